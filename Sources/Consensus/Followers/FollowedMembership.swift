// What a node is to a channel that it follows, as configurations go by.

import Ordering

/// Whether this node may order the channel, and when it has to forget what it kept of an earlier membership.
///
/// A value. What is kept of a membership that ends must not be found by the chain of a later one.
package struct FollowedMembership: Sendable, Equatable {
  /// What the newest configuration that is known says of this node.
  package private(set) var role: ConsensusRole
  /// Whether that configuration names this node, but is known to be out of date.
  package private(set) var isStale: Bool

  /// A channel that was followed before, or is joined.
  package init(role: ConsensusRole) { self.init(role: role, isStale: false) }

  /// - Parameter isStale: See ``afterOrdering(_:)``.
  package init(role: ConsensusRole, isStale: Bool) {
    self.role = role
    self.isStale = isStale
  }

  /// A channel that this node has ordered, and does not any more, for what it was told. If the configuration that is here
  /// names it nevertheless, that is out of date.
  package static func afterOrdering(_ role: ConsensusRole) -> FollowedMembership {
    FollowedMembership(role: role, isStale: role != .follower)
  }

  /// Whether this node is to order the channel.
  package var isConsenter: Bool { role == .consenter && !isStale }

  /// Whether a configuration that is about to come into force ends a membership, so that what was kept of that has to go
  /// before.
  package func endsMembership(_ next: ConsensusRole) -> Bool {
    role == .consenter && next != .consenter
  }

  /// A configuration is in force.
  ///
  /// - Parameter isPastJoin: Whether it is that of the join block or a later one. Until then the join block tells.
  package mutating func configured(_ next: ConsensusRole, isPastJoin: Bool) {
    isStale = false
    if isPastJoin { role = next }
  }
}
