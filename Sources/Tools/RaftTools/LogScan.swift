// Adds up the records of a log as they come by.

import RaftCore
import RaftLog
import RaftWire

/// What the records of a log say, for the tools. It holds on to all entries.
struct LogScan {
  private let keepsRecords: Bool
  private(set) var records: [RecordDescription] = []
  /// Those in force, by index.
  private var log: [LogIndex: Entry] = [:]
  private var last: LogIndex = 0

  init(keepsRecords: Bool) { self.keepsRecords = keepsRecords }

  mutating func take(_ stored: StoredRecord, in segment: SegmentName) throws {
    var entry: Entry?
    var state: HardState?
    var snapshot: SnapshotRecord?
    switch stored.record.kind {
    case .entry: entry = try Entry(wire: stored.record.data)
    case .hardState: state = try HardState(wire: stored.record.data)
    case .snapshot: snapshot = try SnapshotRecord(wire: stored.record.data)
    case .metadata, .checksum, nil: break
    }
    if let entry { put(entry) }
    guard keepsRecords else { return }
    records.append(
      RecordDescription(
        segment: "\(segment)", offset: stored.offset, bytes: stored.frameSize,
        kind: stored.record.kind.map { "\($0)" } ?? "unknown", checksum: stored.record.crc,
        entry: entry.map(EntryDescription.init), hardState: state.map(HardStateDescription.init),
        index: snapshot?.mark.index, term: snapshot?.mark.term,
        members: snapshot?.members.map(MembersDescription.init)))
  }

  private mutating func put(_ entry: Entry) {
    // It replaces all from its index on.
    if entry.index <= last, last - entry.index < UInt64(log.count) {
      for index in entry.index...last { log[index] = nil }
    } else if entry.index <= last {
      log = log.filter { $0.key < entry.index }
    }
    log[entry.index] = entry
    last = entry.index
  }

  /// The entries from `first` on, in order.
  func entries(from first: LogIndex) -> [Entry] {
    log.values.filter { $0.index >= first }.sorted { $0.index < $1.index }
  }

  /// Who votes once the entries up to `commit` are applied.
  func members(at commit: LogIndex, from snapshot: Snapshot?) -> MembersDescription {
    var members = snapshot?.members ?? MembershipState()
    for entry in entries(from: (snapshot?.index ?? 0) + 1) where entry.index <= commit {
      guard let change = try? MembershipChange(entry: entry) else { continue }
      for step in change.steps {
        switch step.kind {
        case .addVoter:
          members.learners.removeAll { $0 == step.node }
          if !members.voters.contains(step.node) { members.voters.append(step.node) }
        case .addLearner:
          members.voters.removeAll { $0 == step.node }
          if !members.learners.contains(step.node) { members.learners.append(step.node) }
        case .remove:
          members.voters.removeAll { $0 == step.node }
          members.learners.removeAll { $0 == step.node }
        case .update: break
        }
      }
    }
    members.voters.sort()
    members.learners.sort()
    return MembersDescription(members)
  }
}
