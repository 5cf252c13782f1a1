// What a node tells its log. The lines are etcd's, which operators and their tools know.

extension RaftCore {
  /// Something to log; ``text(of:)`` is its line.
  package enum Event: Equatable, Sendable {
    package enum Level: Int, Comparable, Sendable {
      case debug
      case info
      case warning
      case error
      case fatal

      package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    // Terms and roles
    case started(
      voters: [NodeID], term: Term, commit: LogIndex, applied: LogIndex, last: LogPosition)
    case becameFollower(term: Term)
    case becamePreCandidate(term: Term)
    case becameCandidate(term: Term)
    case becameLeader(term: Term)
    case higherTerm(Message.Kind, from: NodeID, term: Term, own: Term)
    case lowerTerm(Message.Kind, from: NodeID, term: Term, own: Term)
    case quorumInactive

    // Elections
    case alreadyLeader
    case unpromotable
    case changesForbidCampaign(term: Term)
    case electionStarted(term: Term)
    case voteRequested(Message.Kind, of: NodeID, last: LogPosition, term: Term)
    case voteReceived(Message.Kind, from: NodeID, term: Term, granted: Bool)
    case tally(Message.Kind, granted: Int, rejected: Int)
    case voteCast(VoteRequest)
    case voteRejected(VoteRequest)
    case voteIgnored(VoteRequest, remainingTicks: Int)

    // Proposals
    case proposalWithoutLeader(term: Term)
    case proposalNotForwarded(leader: NodeID, term: Term)
    case proposalDuringTransfer(term: Term, to: NodeID)
    case uncommittedLimit
    case changeIgnored(String, members: Members, reason: String)
    case changeFromElsewhere(from: NodeID)

    // Replication
    case noProgress(of: NodeID)
    case appendRejected(by: NodeID, index: LogIndex, hint: LogPosition)
    case progressDecreased(NodeID, Progress)
    case recoveredFromSnapshot(NodeID, Progress)
    case snapshotToInactive(NodeID)
    case snapshotUnavailable(for: NodeID)
    case snapshotSent(
      to: NodeID, Progress, first: LogIndex, commit: LogIndex, snapshot: LogPosition)
    case replicationPaused(NodeID, Progress)
    case snapshotSucceeded(NodeID, Progress)
    case snapshotFailed(NodeID, Progress)
    case unreachable(NodeID, Progress)
    case appendMismatch(from: NodeID, theirs: LogPosition, ours: Term)

    // The log
    case conflict(at: LogIndex, existing: Term, conflicting: Term)
    case unstableReplaced(from: LogIndex)
    case unstableTruncated(before: LogIndex)
    case persistedMissing(LogIndex)
    case persistedSnapshot(LogIndex)
    case persistedOutdated(LogPosition, existing: Term)
    case persistedInEarlierTerm(term: Term, own: Term)
    case restoring(log: String, snapshot: LogPosition)
    case logRestored(commit: LogIndex, last: LogPosition, snapshot: LogPosition)
    case fastForwarded(commit: LogIndex, last: LogPosition, snapshot: LogPosition)
    case snapshotRestored(commit: LogIndex, snapshot: LogPosition)
    case snapshotIgnored(commit: LogIndex, snapshot: LogPosition)
    case snapshotWithoutUs(MembershipState)

    // Membership
    case switched(Members)
    case leavingJoint(Members)
    case notLeavingJoint(Members, String)

    // Transfer, forgetting, reads
    case transferToLearner
    case transferInProgress(term: Term, to: NodeID)
    case transferAborted(term: Term, to: NodeID)
    case transferToSelf
    case transferStarted(term: Term, to: NodeID)
    case timeoutNowSent(to: NodeID, atOnce: Bool)
    case timeoutNowReceived(term: Term, from: NodeID)
    case timeoutNowIgnored(term: Term, RoleName, from: NodeID)
    case transferWithoutLeader(term: Term)
    case forgettingLeader(NodeID, term: Term)
    case forgettingRefused
    case readWithoutLeader(term: Term)
    case malformedReadAnswer(from: NodeID, entries: Int)

    case fault(Fault)

    /// Who asks for a vote, and what this node has to set against it.
    package struct VoteRequest: Equatable, Sendable {
      let kind: Message.Kind
      let from: NodeID
      let candidate: LogPosition
      let last: LogPosition
      let vote: NodeID
      let term: Term
    }

    package var level: Level {
      switch self {
      case .alreadyLeader, .proposalDuringTransfer, .noProgress, .appendRejected,
        .progressDecreased, .recoveredFromSnapshot, .snapshotToInactive, .snapshotUnavailable,
        .snapshotSent, .replicationPaused, .snapshotSucceeded, .snapshotFailed, .unreachable,
        .appendMismatch, .notLeavingJoint, .transferToLearner, .transferToSelf,
        .timeoutNowIgnored:
        .debug
      case .quorumInactive, .unpromotable, .changesForbidCampaign, .uncommittedLimit,
        .snapshotWithoutUs, .changeFromElsewhere:
        .warning
      case .forgettingRefused, .malformedReadAnswer: .error
      case .fault: .fatal
      default: .info
      }
    }
  }
}
