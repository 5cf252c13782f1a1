// A channel's raft log and snapshots in words.

import RaftCore
import RaftLog
import RaftWire

/// Who votes, for JSON.
package struct MembersDescription: Sendable, Encodable, Equatable {
  package let voters: [NodeID]
  package let learners: [NodeID]

  init(_ members: MembershipState) {
    voters = members.voters
    learners = members.learners
  }
}

/// A hard state, for JSON.
package struct HardStateDescription: Sendable, Encodable, Equatable {
  package let term: Term
  package let vote: NodeID
  package let commit: LogIndex

  init(_ state: HardState) {
    term = state.term
    vote = state.vote
    commit = state.commit
  }
}

/// One record of the log.
package struct RecordDescription: Sendable, Encodable {
  package let segment: String
  package let offset: Int64
  /// Of the frame.
  package let bytes: Int
  package let kind: String
  package let checksum: UInt32
  package let entry: EntryDescription?
  package let hardState: HardStateDescription?
  /// Of a snapshot.
  package let index: LogIndex?
  package let term: Term?
  package let members: MembersDescription?
}

/// What `orderer raft show` tells about a channel.
package struct RaftDescription: Sendable, Encodable {
  package struct Segment: Sendable, Encodable {
    package let file: String
    package let bytes: Int64
    /// Where the records end.
    package let end: Int64
    package let records: Int
    /// What is behind them, if that is not as it should be.
    package let fault: String?
  }

  package struct SnapshotFile: Sendable, Encodable {
    package let file: String
    package let index: LogIndex
    package let term: Term
    package let members: MembersDescription?
    /// The number of the block in it.
    package let block: UInt64?
    package let error: String?
  }

  package let channel: String
  /// As a node that starts would take it.
  package let hardState: HardStateDescription?
  package let firstIndex: LogIndex?
  package let lastIndex: LogIndex?
  package let lastTerm: Term?
  /// At the commit index; nil if that cannot be told.
  package let members: MembersDescription?
  /// What keeps a node from starting with the log.
  package let problem: String?
  /// What a node would put right.
  package let repairs: [String]
  package let segments: [Segment]
  package let snapshots: [SnapshotFile]
  /// Those in force, if asked for.
  package let entries: [EntryDescription]?
  /// Every record in the order in which they were written, if asked for.
  package let records: [RecordDescription]?

  /// Reads everything. Nothing is locked, so a node may be running.
  package init(
    _ location: RaftStorage.Location, entries: Bool = false, records: Bool = false
  ) throws {
    let stored = StoredLog(location)
    var scan = LogScan(keepsRecords: records)
    segments = try stored.walk { try scan.take($1, in: $0) }.map {
      Segment(file: $0.path, bytes: $0.size, end: $0.end, records: $0.records, fault: $0.fault)
    }
    snapshots = try stored.snapshots().map(Self.describe)
    channel = location.channelID
    self.records = records ? scan.records : nil
    var verdict: StoredLog.Verdict?
    var problem: String?
    do { verdict = try stored.verdict() } catch { problem = "\(error)" }
    self.problem = problem
    hardState = verdict.map { HardStateDescription($0.hardState) }
    firstIndex = verdict?.firstIndex
    lastIndex = verdict?.lastIndex
    lastTerm = verdict?.lastTerm
    repairs = verdict?.repairs.map { "\($0); \($0.remedy)" } ?? []
    members = verdict.map { scan.members(at: $0.hardState.commit, from: $0.snapshot) }
    let first = verdict?.firstIndex ?? 0
    self.entries = entries ? scan.entries(from: first).map(EntryDescription.init) : nil
  }

  private static func describe(_ info: StoredLog.SnapshotInfo) -> SnapshotFile {
    switch info.content {
    case .success(let snapshot):
      SnapshotFile(
        file: info.path, index: info.mark.index, term: info.mark.term,
        members: MembersDescription(snapshot.members),
        block: EntryDescription(Entry(data: snapshot.data)).block, error: nil)
    case .failure(let fault):
      SnapshotFile(
        file: info.path, index: info.mark.index, term: info.mark.term, members: nil, block: nil,
        error: "\(fault)")
    }
  }
}
