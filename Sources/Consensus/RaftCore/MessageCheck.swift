// What a message has to be before anybody looks at what it says.

extension Message.Kind {
  /// Whether a node tells it to itself alone.
  package var isLocal: Bool {
    switch self {
    case .hup, .beat, .unreachable, .snapshotStatus, .checkQuorum, .storageAppend,
      .storageAppendResponse, .storageApply, .storageApplyResponse, .forgetLeader:
      true
    default: false
    }
  }

  /// Whether it answers a member, and so comes from one.
  package var isResponse: Bool {
    switch self {
    case .appendResponse, .voteResponse, .heartbeatResponse, .readIndexResponse, .preVoteResponse:
      true
    default: false
    }
  }

  /// Whether it belongs to a term.
  var hasTerm: Bool {
    switch self {
    case .propose, .readIndex, .transferLeader: false
    default: true
    }
  }
}

extension Message {
  /// Why no Raft node sends this, if none does.
  var problem: String? {
    if from == 0 || from >= RaftCore.applyThread { return "a message from nobody" }
    if kind.hasTerm, term == 0 { return "a message without a term" }
    if max(term, logTerm) >= RaftCore.limit || max(index, commit, rejectHint) >= RaftCore.limit {
      return "a number that is out of range"
    }
    switch kind {
    case .append: return appendProblem
    case .snapshot: return snapshotProblem
    case .propose: return entries.isEmpty ? "a proposal without entries" : nil
    case .readIndex, .readIndexResponse:
      return entries.count == 1 ? nil : "a read with \(entries.count) contexts"
    default: return nil
    }
  }

  /// A log's indexes have no gaps, its terms never go back, and no entry is newer than its leader.
  private var appendProblem: String? {
    var before = LogPosition(term: logTerm, index: index)
    if before.index == 0, before.term != 0 { return "a term before the first entry" }
    for entry in entries {
      guard entry.index == before.index + 1 else { return "entries that do not follow each other" }
      guard entry.term >= before.term, entry.term > 0 else { return "terms that go back" }
      before = entry.position
    }
    return before.term > term ? "an entry of a later term than its leader" : nil
  }

  private var snapshotProblem: String? {
    guard let snapshot, !snapshot.isEmpty else { return "a message without the snapshot" }
    if snapshot.index >= RaftCore.limit { return "a number that is out of range" }
    return snapshot.term == 0 || snapshot.term > term ? "a snapshot of a later term" : nil
  }
}
