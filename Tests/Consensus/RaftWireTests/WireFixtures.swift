// Bytes and values that several tests need.

import RaftCore
import TestSupport

/// The bytes of hexadecimal digits.
func unhexed(_ hexadecimal: String) -> [UInt8] {
  var bytes: [UInt8] = []
  var digits = hexadecimal.utf8.makeIterator()
  while let high = digits.next(), let low = digits.next() {
    guard let byte = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16) else { break }
    bytes.append(byte)
  }
  return bytes
}

extension SplitMix64 {
  /// Numbers of all lengths.
  mutating func number() -> UInt64 { next() >> UInt64.random(in: 0...63, using: &self) }

  mutating func content(_ limit: Int) -> ArraySlice<UInt8> {
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 0...limit, using: &self) {
      bytes.append(UInt8(truncatingIfNeeded: next()))
    }
    return bytes[...]
  }

  mutating func numbers() -> [UInt64] {
    (0..<Int.random(in: 0...4, using: &self)).map { _ in number() }
  }

  mutating func members() -> MembershipState {
    MembershipState(
      voters: numbers(), learners: numbers(), votersOutgoing: numbers(), learnersNext: numbers(),
      autoLeave: Bool.random(using: &self))
  }

  mutating func entry() -> Entry {
    Entry(
      kind: Entry.Kind(rawValue: UInt32.random(in: 0...2, using: &self)) ?? .normal,
      term: number(), index: number(), data: content(40))
  }

  mutating func snapshot() -> Snapshot {
    Snapshot(index: number() | 1, term: number(), members: members(), data: content(40))
  }

  mutating func message() -> Message {
    Message(
      Message.Kind.allCases.randomElement(using: &self) ?? .hup, to: number(), from: number(),
      term: number(), logTerm: number(), index: number(),
      entries: (0..<Int.random(in: 0...3, using: &self)).map { _ in entry() }, commit: number(),
      vote: number(), snapshot: Bool.random(using: &self) ? snapshot() : nil,
      reject: Bool.random(using: &self), rejectHint: number(), context: content(20))
  }
}
