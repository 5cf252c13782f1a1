// What a node says of its part in a channel.

/// What this node is to a channel and how it is doing, in the words of the channel participation
/// API (Fabric: `orderer/common/types`).
package struct ParticipationStatus: Sendable, Equatable {
  /// What the node is to the channel.
  package enum Relation: String, Sendable {
    /// It takes part in the consensus of a cluster.
    case consenter
    /// It keeps a copy of the blocks that a cluster makes.
    case follower
    /// It knows the channel from the system channel only.
    case configTracker = "config-tracker"
    /// The channel's consensus type has no cluster.
    case other
  }

  /// How the node is doing.
  package enum Status: String, Sendable {
    /// The node does its part.
    case active
    /// It still fetches the blocks it needs to begin.
    case onboarding
    /// It does nothing for the channel.
    case inactive
    /// It cannot go on.
    case failed
  }

  package var relation: Relation
  package var status: Status

  package init(relation: Relation, status: Status) {
    self.relation = relation
    self.status = status
  }
}
