// What a node is, and how it becomes something else.

extension RaftCore {
  /// What a node is, with all that only this role knows.
  enum Role: Equatable, Sendable {
    /// 0: of nobody.
    case follower(leader: NodeID)
    case preCandidate(votes: [NodeID: Bool])
    case candidate(votes: [NodeID: Bool])
    case leader(Office)

    var name: RoleName {
      switch self {
      case .follower: .follower
      case .preCandidate: .preCandidate
      case .candidate: .candidate
      case .leader: .leader
      }
    }
  }

  /// What a leader knows as long as it is one.
  struct Office: Equatable, Sendable {
    /// Since the office began.
    var ticks = 0
    var heartbeatElapsed = 0
    /// Whom leadership goes to; 0: to nobody.
    var transferee: NodeID = 0
    /// No change of membership is behind this index. None is proposed before it is applied.
    var pendingChange: LogIndex
    /// Bytes of data appended in this office and not applied, or less.
    var uncommittedSize = 0
    var reads = ReadQueue()
    /// Reads that wait until something of this term is committed.
    var earlyReads: [Message] = []
  }

  var office: Office? {
    if case .leader(let office) = role { office } else { nil }
  }

  var isLeader: Bool { role.name == .leader }

  /// Changes what a leader knows, where it lies. Nil for others.
  @discardableResult
  mutating func updateOffice<Result>(_ change: (inout Office) -> Result) -> Result? {
    guard case .leader(var office) = role else { return nil }
    // The only reference, so that changing it copies nothing.
    role = .follower(leader: 0)
    defer { role = .leader(office) }
    return change(&office)
  }

  // MARK: Transitions

  private mutating func reset(_ newTerm: Term) {
    if term != newTerm {
      term = newTerm
      vote = 0
    }
    electionElapsed = 0
    drawElectionTimeout()
    openReads.removeAll { $0.purpose != .applying }
    newReads.removeAll { $0.purpose != .applying }
    let last = log.lastIndex
    let inflights = emptyInflights
    let me = id
    progress.updateAll { node, progress in
      progress = Progress(
        match: node == me ? last : 0, next: last + 1, inflights: inflights,
        isLearner: progress.isLearner)
    }
  }

  mutating func becomeFollower(_ newTerm: Term, leader: NodeID) {
    reset(newTerm)
    role = .follower(leader: leader)
    events.append(.becameFollower(term: term))
  }

  /// Changes neither term nor vote.
  mutating func becomePreCandidate() {
    role = .preCandidate(votes: [:])
    events.append(.becamePreCandidate(term: term))
  }

  mutating func becomeCandidate() {
    reset(term + 1)
    vote = id
    role = .candidate(votes: [:])
    events.append(.becameCandidate(term: term))
  }

  mutating func becomeLeader() {
    reset(term)
    progress.update(id) {
      $0.becomeReplicate()
      $0.hear(at: 0)
    }
    // There may be a change in the log's tail: until all of it is applied, none is proposed.
    role = .leader(Office(pendingChange: log.lastIndex))
    _ = appendAsLeader([Entry()])
    events.append(.becameLeader(term: term))
  }

  var emptyInflights: Inflights {
    Inflights(
      maximumCount: configuration.maxInflightMessages, maximumSize: configuration.maxInflightSize)
  }
}
