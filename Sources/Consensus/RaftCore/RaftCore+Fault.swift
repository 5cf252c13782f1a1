// Why a node does not start, does not go on, or does not take what it was given.

extension RaftCore {
  /// What ends a node's part in its group until somebody looks after it. etcd panics here.
  package enum Fault: Error, Equatable, Sendable {
    /// The leader knows that more was committed here than there is: the log was lost or cut.
    case logLost(commit: LogIndex, last: LogIndex)
    /// The leader has other entries than those that were committed here.
    case committedOverwritten(at: LogIndex, commit: LogIndex)
    /// A committed change does not fit the membership in force.
    case impossibleChange(String)
    /// The leader's snapshot holds a membership that cannot be.
    case impossibleMembership(String)
    /// The shell tells of more than was handed out.
    case appliedOutOfRange(LogIndex, handedOut: LogIndex)
  }

  /// Why a node cannot start from what it was given.
  package enum StartRefusal: Error, Equatable, Sendable {
    case configuration(String)
    case membership(String)
    /// A term or an index leaves no room to count on.
    case outOfRange
    /// More was committed than the log holds.
    case commitOutOfRange(LogIndex, last: LogIndex)
    case appliedOutOfRange(LogIndex, committed: LogIndex, commit: LogIndex)
    /// The log begins behind the snapshot.
    case gap(snapshot: LogIndex, first: LogIndex)
    /// A new group is founded on an empty log, by one node at least.
    case notEmpty
    case nobody
  }

  /// Why a message was not taken.
  package enum StepRefusal: Error, Equatable, Sendable {
    /// A node tells this kind to itself alone.
    case local(Message.Kind)
    /// An answer from a node that is no member here.
    case unknownPeer(NodeID)
    /// No Raft node sends that.
    case malformed(String)
    /// What it proposes was dropped.
    case dropped(ProposalRefusal)
    case halted(Fault)
  }

  /// Why a proposal was not taken. Nothing was appended.
  package enum ProposalRefusal: Error, Equatable, Sendable {
    case noLeader
    /// This node does not lead, and hands nothing on.
    case notLeader(leader: NodeID)
    /// This leader was removed from the group.
    case removed
    case transferring(to: NodeID)
    /// More would be uncommitted than is allowed.
    case tooMuchUncommitted
    /// A change of membership, other than to leave a joint configuration, is proposed to the leader itself.
    case changeFromElsewhere
    case nothing
    case halted(Fault)
  }
}

extension RaftCore.Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .logLost(let commit, let last):
      """
      the leader has committed index \(commit) with this node's help, but the log here ends at \(last): it was \
      lost, cut or restored from a backup
      """
    case .committedOverwritten(let index, let commit):
      """
      the leader has another entry at index \(index), but up to \(commit) all was committed here: this node and \
      the group have gone different ways
      """
    case .impossibleChange(let reason):
      "a committed change of membership cannot be applied: \(reason)"
    case .impossibleMembership(let reason):
      "the leader's snapshot has an impossible membership: \(reason)"
    case .appliedOutOfRange(let index, let handedOut):
      "index \(index) was reported as applied, but entries were handed out up to \(handedOut) only"
    }
  }
}

extension RaftCore.ProposalRefusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noLeader: "no Raft leader"
    case .notLeader(let leader): "node \(leader) leads"
    case .removed: "this leader was removed from the group"
    case .transferring(let node): "leadership is on its way to node \(node)"
    case .tooMuchUncommitted: "too much is uncommitted"
    case .changeFromElsewhere: "a change of membership is proposed to the leader itself"
    case .nothing: "a proposal without entries"
    case .halted(let fault): fault.description
    }
  }
}
