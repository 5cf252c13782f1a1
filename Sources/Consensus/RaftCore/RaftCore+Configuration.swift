// What a node of a group is told when it starts.

extension RaftCore {
  /// How a node takes part. Sizes are in bytes, times in ticks of the shell's clock.
  package struct Configuration: Equatable, Sendable {
    /// What an answer to ``RaftCore/readIndex(_:)`` relies on.
    package enum ReadSafety: Equatable, Sendable {
      /// A quorum confirms the leader for each read.
      case quorum
      /// The leader trusts its lease, and so the clocks of all nodes. Needs `checkQuorum`.
      case lease
    }

    /// This node; neither 0 nor one of the two numbers that etcd reserves.
    package var id: NodeID
    /// A follower that hears nothing for a random time from `electionTick` to twice that, less one, campaigns.
    package var electionTick = 10
    /// A leader sends heartbeats this often. Less than `electionTick`.
    package var heartbeatTick = 1
    /// Bound of the entries of an append message, which holds one entry at least.
    package var maxMessageSize = 1 << 20
    /// Bound of the entries that are handed out and not yet applied; one entry at least is handed out.
    package var maxApplyingSize = 4 << 20
    /// Bound of the data that a leader has appended and not yet applied. Beyond it proposals are dropped;
    /// one proposal is always taken.
    package var maxUncommittedSize = Int.max
    /// Append messages to one follower that may be unanswered.
    package var maxInflightMessages = 256
    /// Bound of the data in them: no further message once it is reached.
    package var maxInflightSize = Int.max
    /// Persisted entries that are kept in memory, for followers that are little behind.
    package var tailSize = 1 << 20
    /// Whether a node asks whether it would win before it campaigns (dissertation, 9.6).
    package var preVote = false
    /// Whether a leader that has heard of no quorum for an election time-out steps down, and whether nodes
    /// that hear of their leader ignore campaigns.
    package var checkQuorum = false
    package var readSafety = ReadSafety.quorum
    /// Whether a follower drops proposals, which it hands on to the leader otherwise.
    package var disableProposalForwarding = false
    /// Whether changes of membership are appended without a look at what is in force. Only for groups that
    /// put changes in order by themselves.
    package var disableChangeValidation = false
    /// Whether a leader that is removed or made a learner steps down once the change is applied.
    package var stepDownOnRemoval = false
    /// Whether committed entries are handed out before this node has persisted them: right only for a shell
    /// that persists what a ``Ready`` holds before it applies what the same one holds.
    package var appliesUnpersisted = false

    package init(id: NodeID) { self.id = id }

    /// What is wrong with it, if anything.
    var problem: String? {
      if id == 0 { return "a node's number is not 0" }
      if id >= RaftCore.appendThread - 1 { return "the number \(id) is reserved" }
      if heartbeatTick <= 0 { return "the heartbeat tick must be greater than 0" }
      if electionTick <= heartbeatTick {
        return "the election tick must be greater than the heartbeat tick"
      }
      if electionTick > 1 << 30 { return "the election tick is out of range" }
      if maxInflightMessages <= 0 { return "the messages in flight must be greater than 0" }
      if maxInflightSize < max(maxMessageSize, 1) {
        return "the size in flight must not be smaller than that of a message, or 0"
      }
      if maxMessageSize < 0 || maxApplyingSize <= 0 || maxUncommittedSize <= 0 || tailSize < 0 {
        return "a size is out of range"
      }
      if readSafety == .lease, !checkQuorum { return "reads by lease need the check of the quorum" }
      return nil
    }
  }
}
