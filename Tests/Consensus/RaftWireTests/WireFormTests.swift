// How etcd's messages are laid out and read, field by field.

import RaftCore
import TestSupport
import Testing

@testable import RaftWire

@Suite struct WireFormTests {
  @Test func fieldsThatGoHoldsByValueAreWrittenEvenIfZero() {
    #expect(Message(.hup).wire() == unhexed("0800100018002000280030004000500058006800"))
    #expect(Entry().wire() == unhexed("080010001800"))
    #expect(HardState().wire() == unhexed("080010001800"))
    #expect(MembershipState().wire() == unhexed("2800"))
    #expect(Snapshot().wire() == unhexed("12080a02280010001800"))
    #expect(SnapshotRecord(mark: SnapshotMark(), members: nil).wire() == unhexed("08001000"))
    #expect(LogRecord(rawKind: 1, crc: 0, data: []).wire() == unhexed("08011000"))
    #expect(SnapshotEnvelope(crc: 0, data: []).wire() == unhexed("0800"))
    #expect(MembershipChange(steps: []).wire() == unhexed("0800"))
  }

  @Test func aMessageOfEachReleaseIsRead() throws {
    let vote = Message(.preVote, to: 1, from: 2, term: 2, logTerm: 1, index: 3)
    let of14 = unhexed("08111001180220022801300340004a0812060a001000180050005800")
    let of25 = unhexed("08111001180220022801300340005000" + "58006800")
    #expect(try Message(wire: of14[...]) == vote)
    #expect(try Message(wire: of25[...]) == vote)
    #expect(vote.wire() == of25)
    // Absent is zero.
    #expect(try Message(wire: unhexed("08111001180220022801" + "3003")[...]) == vote)
    #expect(try Message(wire: []) == Message(.hup))
  }

  @Test func aChangeOfOneNodeHasTheFormOfFabric() throws {
    let change = MembershipChange(steps: [.init(.addVoter, 3)])
    #expect(change.entryData(.change) == unhexed("080010001803"))
    let removal = MembershipChange(steps: [.init(.remove, 2)], context: [7])
    let data = try #require(removal.entryData(.change))
    #expect(data == unhexed("080010011802220107"))
    #expect(try MembershipChange(entry: Entry(kind: .change, data: data[...])) == removal)
    #expect(try MembershipChange(entry: Entry(kind: .normal, data: data[...])) == nil)
    let both = MembershipChange(
      transition: .jointExplicit, steps: [.init(.addLearner, 4), .init(.remove, 1)])
    #expect(both.entryData(.change) == nil && both.entryData(.normal) == nil)
    let dataV2 = try #require(both.entryData(.changeV2))
    #expect(dataV2 == unhexed("0802120408031004120408011001"))
    #expect(try MembershipChange(entry: Entry(kind: .changeV2, data: dataV2[...])) == both)
    // No data at all: leave the joint configuration.
    #expect(try MembershipChange(entry: Entry(kind: .changeV2)) == MembershipChange(steps: []))
  }

  @Test func unknownFieldsAreSkippedAndListsMayBePacked() throws {
    let unknown = "7801" + "a201026869" + "ad0101020304" + "b1010102030405060708" + "bb010801bc01"
    #expect(
      try HardState(wire: unhexed("0805" + unknown + "1803")[...]) == HardState(term: 5, commit: 3))
    #expect(
      try MembershipState(wire: unhexed("0a03010203" + "2204ac020507" + "0804")[...])
        == MembershipState(voters: [1, 2, 3, 4], learnersNext: [300, 5, 7]))
  }

  @Test(arguments: [
    ("08", WireError.Reason.cutOff), ("0880", .cutOff), ("2205010203", .cutOff),
    ("0a", .cutOff), ("08ffffffffffffffffffff01", .cutOff), ("0001", .badTag(0)),
    ("0c", .badTag(0x0C)), ("0f", .badTag(0x0F)), ("0803", .unknownValue(field: 1, value: 3)),
    ("0a0101", .wrongType(field: 1)), ("2001", .wrongType(field: 4)),
    ("0d01020304", .wrongType(field: 1)), ("7b", .cutOff), ("7b84", .cutOff),
    (String(repeating: "7b", count: 101), .tooDeep),
  ])
  func whatIsNoEntryIsRefused(_ hexadecimal: String, _ reason: WireError.Reason) {
    #expect(throws: WireError(message: "raftpb.Entry", reason: reason)) {
      try Entry(wire: unhexed(hexadecimal)[...])
    }
  }

  @Test func listsAreBounded() {
    let voters = [UInt8](repeating: 1, count: MembershipState.maximumMembers + 1)
    var packed: [UInt8] = []
    packed.append(1, bytes: voters[...])
    #expect(
      throws: WireError(
        message: "raftpb.ConfState",
        reason: .tooMany(field: 1, limit: MembershipState.maximumMembers))
    ) { try MembershipState(wire: packed[...]) }
  }

  @Test func dataIsASliceOfWhatArrived() throws {
    let entry = Entry(term: 1, index: 2, data: [UInt8](repeating: 9, count: 100)[...])
    let wire = Message(.append, entries: [entry]).wire()
    let read = try Message(wire: wire[...])
    wire.withUnsafeBytes { all in
      read.entries[0].data.withUnsafeBytes { part in
        guard let begin = all.baseAddress, let inner = part.baseAddress else {
          Issue.record("no memory")
          return
        }
        #expect(inner >= begin && inner + part.count <= begin + all.count)
      }
    }
  }

  @Test func everyValueIsReadBackInItsStatedSize() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<2000 {
      let message = random.message()
      let wire = message.wire()
      #expect(wire.count == message.wireSize)
      #expect(try Message(wire: wire[...]) == message)
      let record = SnapshotRecord(
        mark: SnapshotMark(index: random.number(), term: random.number()),
        members: Bool.random(using: &random) ? random.members() : nil)
      #expect(try SnapshotRecord(wire: record.wire()[...]) == record)
      let data = record.wire()
      let crc = UInt32(truncatingIfNeeded: random.number())
      var head: [UInt8] = []
      LogRecord.appendHead(.snapshot, crc: crc, dataSize: data.count, to: &head)
      let logged = LogRecord(rawKind: 5, crc: crc, data: data[...])
      #expect(logged.wire() == head + data)
      #expect(logged.wireSize == LogRecord.size(.snapshot, crc: crc, dataSize: data.count))
      #expect(try LogRecord(wire: logged.wire()[...]) == logged)
    }
  }

  @Test func damagedMessagesAreRefusedOrReadAsOthers() {
    var random = SplitMix64(seed: 2)
    for _ in 0..<20_000 {
      var wire = random.message().wire()
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        guard let place = wire.indices.randomElement(using: &random) else { break }
        switch random.next() % 3 {
        case 0: wire[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: wire.removeSubrange(place...)
        default: wire.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        }
      }
      guard let message = try? Message(wire: wire[...]) else { continue }
      #expect((try? Message(wire: message.wire()[...])) == message)
    }
  }

  @Test func arbitraryBytesDoNoHarm() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<20_000 {
      let wire = random.content(60)
      _ = try? Message(wire: wire)
      _ = try? LogRecord(wire: wire)
      _ = try? Snapshot(wire: wire)
      _ = try? SnapshotRecord(wire: wire)
      _ = try? SnapshotEnvelope(wire: wire)
      for kind in [Entry.Kind.normal, .change, .changeV2] {
        _ = try? MembershipChange(entry: Entry(kind: kind, data: wire))
      }
    }
  }
}
