// What the raft tools tell about folders, sound and damaged, and what repairing them changes.

import FabricCrypto
import FabricProtos
import Foundation
import Logging
import RaftCore
import RaftLog
import RaftWire
import TestSupport
import Testing

@testable import RaftTools

@Suite struct RaftToolsTests {
  private let temporary: TemporaryFolder
  private let folders: RaftFolders
  private let location: RaftStorage.Location
  private var segment: String { "\(location.logFolder)/0000000000000000-0000000000000000.wal" }

  init() throws {
    temporary = try TemporaryFolder()
    folders = RaftFolders(logs: "\(temporary.path)/wal", snapshots: "\(temporary.path)/snap")
    location = RaftStorage.Location(
      channelID: "channel", logFolder: "\(temporary.path)/wal/channel",
      snapshotFolder: "\(temporary.path)/snap/channel")
  }

  private func open() throws -> RaftStorage {
    try RaftStorage(location, logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  private func block(_ number: UInt64, slots: Int = 5) -> ArraySlice<UInt8> {
    let data = [Array("message \(number)".utf8)]
    var hasher = SHA256Hasher()
    for entry in data { hasher.update(entry) }
    let header = BlockHeader(
      number: number, previousHash: [UInt8](repeating: 1, count: 32), dataHash: hasher.finalize())
    return Block(header: header, data: data, metadata: Array(repeating: [], count: slots))
      .serialized()[...]
  }

  private func change(
    _ kind: MembershipChange.Kind, _ node: NodeID, at index: LogIndex, term: Term = 1
  ) -> Entry {
    let data = MembershipChange(steps: [.init(kind, node)]).entryData(.change) ?? []
    return Entry(kind: .change, term: term, index: index, data: data[...])
  }

  /// Two members, an empty entry, three blocks, a third member, a snapshot at the second block.
  private func fill() throws {
    let storage = try open()
    let state = HardState(term: 2, vote: 1, commit: 6)
    try storage.append(
      [change(.addVoter, 1, at: 1), change(.addVoter, 2, at: 2), Entry(term: 2, index: 3)]
        + (4...6).map { Entry(term: 2, index: $0, data: block($0 - 3)) }, hardState: state)
    try storage.save(
      Snapshot(index: 5, term: 2, members: MembershipState(voters: [1, 2]), data: block(2)),
      hardState: state)
    try storage.append(
      [change(.addVoter, 3, at: 7, term: 2)], hardState: HardState(term: 2, vote: 1, commit: 7))
    try storage.close()
  }

  @Test func aSoundLogIsDescribed() throws {
    try fill()
    #expect(try folders.channelIDs() == ["channel"])
    let raft = try RaftDescription(folders.channel("channel"), entries: true, records: true)
    #expect(raft.problem == nil && raft.repairs.isEmpty)
    #expect(raft.hardState == HardStateDescription(HardState(term: 2, vote: 1, commit: 7)))
    #expect(raft.lastIndex == 7 && raft.lastTerm == 2)
    #expect(raft.members?.voters == [1, 2, 3])
    #expect(raft.segments.map(\.file) == [segment] && raft.snapshots.map(\.block) == [2])
    let entries = try #require(raft.entries)
    #expect(entries.suffix(3).map(\.kind) == [.block, .block, .membershipChange])
    #expect(entries.suffix(3).map(\.block) == [2, 3, nil])
    #expect(entries.last?.change == "add 3" && entries.allSatisfy { $0.error == nil })
    #expect(raft.records?.count == raft.segments.first?.records)
    let text = RaftText.description(raft)
    #expect(text.contains("term 2, voted for 1, commit 7") && text.contains("voters 1, 2, 3"))
    #expect(text.contains("block 3, 1 messages"))
    let report = try RaftVerification(location)
    #expect(report.isSound && report.lastIndex == 7 && report.snapshots == 1)
    #expect(RaftText.table([report]).contains("sound"))
    #expect(try RaftRepair(location).repairs.isEmpty)
  }

  @Test func aNodeThatRunsIsNotDisturbed() throws {
    try fill()
    let storage = try open()
    #expect(try RaftVerification(location).isSound)
    try storage.append([Entry(term: 2, index: 8)])
    #expect(try RaftVerification(location).lastIndex == 8)
    // It has the lock, so that nothing is repaired under it: here a snapshot that the log does not know.
    let stray = "\(location.snapshotFolder)/0000000000000009-0000000000000009.snap"
    let known = "\(location.snapshotFolder)/0000000000000002-0000000000000005.snap"
    try FileManager.default.copyItem(atPath: known, toPath: stray)
    #expect(throws: RaftLogError.locked(file: segment)) { try RaftRepair(location) }
    try storage.close()
    #expect(try RaftRepair(location).repairs.count == 1)
  }

  @Test func aTornTailIsToldAndRepaired() throws {
    try fill()
    let end = try Int(#require(RaftDescription(location).segments.first).end)
    let whole = Array(try Data(contentsOf: URL(filePath: segment)))
    try Data(whole.prefix(end - 5)).write(to: URL(filePath: segment))
    let report = try RaftVerification(location)
    #expect(!report.isSound && report.problems.isEmpty && report.needsRepair.count == 1)
    #expect(RaftText.report(report).contains("orderer raft repair channel"))
    #expect(RaftText.table([report]).contains("needs repair"))
    let repair = try RaftRepair(location)
    #expect(repair.repairs.count == 1 && RaftText.repair(repair).contains("repaired"))
    #expect(FileManager.default.fileExists(atPath: segment + ".broken"))
    #expect(try RaftVerification(location).isSound)
    #expect(RaftText.repair(try RaftRepair(location)).contains("nothing to repair"))
  }

  @Test func damageIsToldAndLeftAsItIs() throws {
    try fill()
    var bytes = Array(try Data(contentsOf: URL(filePath: segment)))
    bytes[200] ^= 1
    try Data(bytes).write(to: URL(filePath: segment))
    let report = try RaftVerification(location)
    #expect(!report.isSound && report.problems.contains { $0.contains("is damaged at offset") })
    #expect(RaftText.table([report]).contains("damaged"))
    #expect(try RaftDescription(location).problem != nil)
    #expect(throws: RaftLogError.self) { try RaftRepair(location) }
    #expect(try Array(Data(contentsOf: URL(filePath: segment))) == bytes)
  }

  @Test func aBlockThatWouldStopTheChannelIsAProblem() throws {
    let storage = try open()
    try storage.append(
      [
        Entry(term: 1, index: 1, data: block(1, slots: 2)),
        Entry(term: 1, index: 2, data: [1, 2, 3]),
        Entry(kind: .change, term: 1, index: 3, data: [1]),
      ], hardState: HardState(term: 1, vote: 1, commit: 0))
    try storage.close()
    let report = try RaftVerification(location)
    #expect(report.problems.count == 3)
    #expect(report.problems.first?.contains("2 metadata slots") == true)
  }

  @Test func whatIsNotThereIsSaid() throws {
    #expect(try folders.channelIDs().isEmpty)
    #expect(RaftText.table([]) == "There are no raft logs.")
    for name in ["channel", "", "../channel", "."] {
      #expect(throws: RaftToolsError.self) { try folders.channel(name) }
    }
    try fill()
    try FileManager.default.removeItem(atPath: location.logFolder)
    #expect(try folders.channelIDs() == ["channel"])
    #expect(try RaftVerification(location).problems.count == 1)
    #expect(throws: RaftLogError.self) { try RaftRepair(location) }
  }
}
