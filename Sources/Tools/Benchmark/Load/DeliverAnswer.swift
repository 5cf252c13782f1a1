// Reads what Deliver sends, no further than counting needs.

import FabricProtos

/// The first bytes of the data of each envelope of a run; they say which it is.
package struct EnvelopeTag: Sendable, Equatable {
  /// Bytes of a tag: the run, then the number.
  package static let size = 16

  /// Random, so that other runs' envelopes are told apart.
  package let run: UInt64
  /// Where in an envelope the tag begins, which is the same for all envelopes of a channel.
  package let offset: Int

  package init(run: UInt64, offset: Int) {
    self.run = run
    self.offset = offset
  }

  /// The tag of an envelope.
  static func bytes(run: UInt64, number: Int) -> [UInt8] {
    withUnsafeBytes(of: run.bigEndian, Array.init)
      + withUnsafeBytes(of: UInt64(number).bigEndian, Array.init)
  }

  /// The number in the envelope that is in this part of `bytes`; nil if it is not of this run.
  func number(in bytes: [UInt8], _ range: Range<Int>) -> Int? {
    let start = range.lowerBound + offset
    guard start + Self.size <= range.upperBound else { return nil }
    func integer(at index: Int) -> UInt64 {
      bytes[index..<(index + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard integer(at: start) == run else { return nil }
    return Int(exactly: integer(at: start + 8))
  }
}

/// A `DeliverResponse`.
package enum DeliverAnswer: Equatable {
  /// The session is over; 200 if all that was asked for was sent.
  case status(Int)
  /// A block, its number, how many transactions it has, and which of those that are tagged.
  case block(number: UInt64, transactions: Int, tagged: [Int])

  /// The message is neither.
  struct Malformed: Error, CustomStringConvertible {
    var description: String { "the server sent a Deliver response that cannot be read" }
  }

  /// Reads a response.
  ///
  /// - Parameter tag: How envelopes are told apart; nil if they need not be.
  package init(_ bytes: [UInt8], tag: EnvelopeTag? = nil) throws {
    do {
      var reader = WireReader(bytes, 0..<bytes.count)
      while let field = try reader.next() {
        if field.isVarint(1) {
          self = .status(Int(truncatingIfNeeded: field.varint))
          return
        }
        if field.isBytes(2) {
          self = try Self.block(bytes, field.range, tag)
          return
        }
      }
    } catch { throw Malformed() }
    // A status of 0 is not sent at all.
    self = .status(0)
  }

  private static func block(
    _ bytes: [UInt8], _ range: Range<Int>, _ tag: EnvelopeTag?
  ) throws -> DeliverAnswer {
    var (number, transactions, tagged) = (UInt64(0), 0, [Int]())
    var reader = WireReader(bytes, range)
    while let field = try reader.next() {
      guard field.isBytes(1) || field.isBytes(2) else { continue }
      var inner = WireReader(bytes, field.range)
      while let part = try inner.next() {
        if field.number == 1, part.isVarint(1) { number = part.varint }
        guard field.number == 2, part.isBytes(1) else { continue }
        transactions += 1
        if let tag, let tagNumber = tag.number(in: bytes, part.range) { tagged.append(tagNumber) }
      }
    }
    return .block(number: number, transactions: transactions, tagged: tagged)
  }
}

/// A `BroadcastResponse`.
enum BroadcastAnswer {
  /// What nearly all answers are: the status 200 and nothing else.
  private static let success: [UInt8] = [0x08, 0xC8, 0x01]

  /// The status, and what the orderer says about it.
  static func read(_ bytes: [UInt8]) -> (status: Int, info: String) {
    if bytes == success { return (Account.success, "") }
    guard let response = try? Orderer_BroadcastResponse(serializedBytes: bytes) else {
      return (0, "the answer cannot be read")
    }
    return (response.status.rawValue, response.info)
  }
}
