// Folders that Go's orderers of three releases left: they are read as another reader reads them, opened, gone
// on with, and read again.

import Foundation
import RaftCore
import RaftWire
import TestSupport
import Testing

@testable import RaftLog

@Suite(.enabled(if: RaftVectors.areThere)) struct VectorTests {
  /// What the manifest says of a node's channel.
  private struct Channel: Decodable {
    struct Wal: Decodable {
      let segments: [Segment]
      let hardState: State
      let snapshotRecords: [Mark]
      let entries: Entries
      let confChanges: [Change]
      let blockEntries: Int
    }
    struct Segment: Decodable {
      let name: String
      let size: Int64
      let records: [String: Int]
      let lastRecord: Last
      let end: Int64
      let runningCrcAtEnd: UInt32
    }
    struct Last: Decodable {
      let offset: Int64
      let frameSize: Int
    }
    struct State: Decodable { let term, vote, commit: UInt64 }
    struct Mark: Decodable { let index, term: UInt64 }
    struct Entries: Decodable {
      let first, last, lastTerm: UInt64?
      let count: Int
    }
    struct Change: Decodable {
      let index, term, nodeId: UInt64
      let type: String
    }
    /// Only the name, if it is another file.
    struct Snapshot: Decodable {
      let name: String
      let index, term: UInt64?
      let dataSize: Int?
      let confState: Members?
    }
    struct Members: Decodable { let voters: [UInt64] }
    let wal: Wal?
    let snapshots: [Snapshot]?
  }
  private struct Node: Decodable { let channels: [String: Channel]? }
  private struct Archive: Decodable { let nodes: [String: Node] }

  private static let archives = [
    "raft-single-v2.5.16", "raft-single-v3.1.5", "raft-single-v2.5.16-killed",
    "raft-single-v3.1.5-killed", "raft-group-v2.5.16-behind", "raft-group-v3.1.5-behind",
    "raft-group-v2.5.16-killed", "raft-gap-v2.5.16", "raft-segments-v2.5.16",
    "raft-system-v1.4.12", "raft-migrated-from-kafka-v2.5.16", "raft-oldsnap-v2.5.16",
  ]

  private func archive(_ name: String) throws -> Archive {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let manifest = try decoder.decode(
      [String: Archive].self, from: RaftVectors.data("manifest.json"))
    return try #require(manifest["\(name).tar.gz"])
  }

  @Test(arguments: archives) func aRecordedFolderIsReadAndGoneOnWith(_ name: String) throws {
    let folder = try MemoryFolder()
    try RaftVectors.unpack(name, into: folder.url)
    var channels = 0
    for (node, known) in try archive(name).nodes {
      for (channelID, expected) in known.channels ?? [:] {
        guard let wal = expected.wal, let root = try root(folder, node) else { continue }
        let location = RaftStorage.Location(
          channelID: channelID, logFolder: "\(root)/etcdraft/wal/\(channelID)",
          snapshotFolder: "\(root)/etcdraft/snapshot/\(channelID)")
        try compare(location, wal)
        try compare(
          location, (expected.snapshots ?? []).filter { $0.name.hasSuffix(".snap") })
        try goOn(location, wal, "\(name) \(node) \(channelID)")
        channels += 1
      }
    }
    #expect(channels > 0)
  }

  /// The folder of a node within an unpacked archive.
  private func root(_ folder: MemoryFolder, _ node: String) throws -> String? {
    let candidates = try [folder.path] + files(folder.path).map { "\(folder.path)/\($0)" }
    return candidates.map { "\($0)/\(node)" }.first {
      FileManager.default.fileExists(atPath: "\($0)/etcdraft")
    }
  }

  private func compare(_ location: RaftStorage.Location, _ expected: Channel.Wal) throws {
    var counts: [String: [String: Int]] = [:]
    var lasts: [String: StoredRecord] = [:]
    var state = HardState()
    var marks: [SnapshotMark] = []
    var log: [LogIndex: Entry] = [:]
    let infos = try StoredLog(location).walk { segment, stored in
      let name: String
      switch stored.record.kind {
      case .metadata: name = "metadata"
      case .entry:
        name = "entry"
        let entry = try Entry(wire: stored.record.data)
        log = log.filter { $0.key < entry.index }
        log[entry.index] = entry
      case .hardState:
        name = "hard_state"
        state = try HardState(wire: stored.record.data)
      case .checksum: name = "crc"
      case .snapshot:
        name = "snapshot"
        marks.append(try SnapshotRecord(wire: stored.record.data).mark)
      case nil: name = "unknown"
      }
      counts["\(segment)", default: [:]][name, default: 0] += 1
      lasts["\(segment)"] = stored
    }
    #expect(infos.map { "\($0.name)" } == expected.segments.map(\.name))
    for (info, segment) in zip(infos, expected.segments) {
      #expect(info.size == segment.size && info.end == segment.end && info.fault == nil)
      #expect(counts[segment.name]?.values.reduce(0, +) == segment.records.values.reduce(0, +))
      #expect(lasts[segment.name]?.offset == segment.lastRecord.offset)
      #expect(lasts[segment.name]?.frameSize == segment.lastRecord.frameSize)
      #expect(lasts[segment.name]?.record.crc == segment.runningCrcAtEnd)
    }
    let wanted = expected.hardState
    #expect(state == HardState(term: wanted.term, vote: wanted.vote, commit: wanted.commit))
    #expect(marks == expected.snapshotRecords.map { SnapshotMark(index: $0.index, term: $0.term) })
    #expect(log.count == expected.entries.count)
    #expect(log.keys.min() == expected.entries.first && log.keys.max() == expected.entries.last)
    #expect(log.keys.max().flatMap { log[$0]?.term } == expected.entries.lastTerm)
    let changes = try log.values.filter { $0.kind == .change }.sorted { $0.index < $1.index }
      .map { try MembershipChange(entry: $0) }
    #expect(changes.map { $0?.steps.first?.node } == expected.confChanges.map(\.nodeId))
    #expect(
      log.values.filter { $0.kind == .normal && !$0.data.isEmpty }.count == expected.blockEntries)
  }

  private func compare(
    _ location: RaftStorage.Location, _ expected: [Channel.Snapshot]
  ) throws {
    let snapshots = try StoredLog(location).snapshots()
    #expect(snapshots.map { "\(SnapshotName($0.mark))" } == expected.map(\.name))
    for (info, wanted) in zip(snapshots, expected) {
      let snapshot = try info.content.get()
      #expect(snapshot.index == wanted.index && snapshot.term == wanted.term)
      #expect(snapshot.data.count == wanted.dataSize)
      #expect(snapshot.members.voters == wanted.confState?.voters)
    }
  }

  private func goOn(
    _ location: RaftStorage.Location, _ wal: Channel.Wal, _ comment: Comment
  ) throws {
    let storage = try RaftStorage.open(location)
    #expect(!storage.found.isNew, comment)
    #expect(
      storage.found.repairs.allSatisfy { if case .commitBelowSnapshot = $0 { true } else { false } }
    )
    let last = try #require(wal.entries.last)
    #expect(storage.lastIndex == max(last, storage.found.snapshot?.index ?? 0), comment)
    #expect(storage.term(of: storage.lastIndex) == wal.entries.lastTerm, comment)
    let before = try storage.allEntries()
    #expect(
      before.last?.index == storage.lastIndex || storage.lastIndex < storage.firstIndex, comment)
    let term = storage.found.hardState.term + 1
    let new = entries(storage.lastIndex + 1...storage.lastIndex + 3, term: term)
    try storage.append(new, hardState: HardState(term: term, vote: 1, commit: storage.lastIndex))
    var own = snapshot(storage.lastIndex - 1, term: term)
    own.members = storage.found.snapshot?.members ?? MembershipState(voters: [1])
    try storage.save(
      own, hardState: HardState(term: term, vote: 1, commit: storage.lastIndex))
    try storage.close()
    let again = try RaftStorage.open(location)
    #expect(again.found.repairs.isEmpty, comment)
    #expect(again.found.snapshot == own, comment)
    #expect(again.found.hardState == HardState(term: term, vote: 1, commit: new[2].index), comment)
    #expect(try again.allEntries().suffix(2).map { $0 } == new.suffix(2).map { $0 }, comment)
    try again.close()
  }
}
