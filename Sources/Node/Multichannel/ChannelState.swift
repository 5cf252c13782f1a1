// What a channel is on this node.

import Ordering

/// The state of a channel that this node knows by name. A channel that it does not know has none.
///
/// A value that takes no action itself: whoever changes it does so under the registrar's lock,
/// through one of the methods below. Each says in which states it is legal, and throws
/// ``IllegalTransition`` in all others, with the state unchanged. `Ordering` is what orders the
/// channel here, `Following` what follows it.
package enum ChannelState<Ordering: Sendable, Following: Sendable>: Sendable {
  /// Its ledger is being opened, so nobody knows yet what the channel will be. The obstacle is why
  /// opening has failed so far, for a reason that may pass; it is tried again then.
  case opening(obstacle: String?)
  /// An operator has it joined at this moment: its join block is noted, and its ledger made. That ends soon:
  /// the channel is followed or ordered, or it is forgotten.
  case joining
  /// Others order it.
  case following(Following)
  /// This node takes part in ordering it.
  case ordering(Ordering)
  /// Others order it, and this node knows of it through the system channel: it is looked at from time to time whether
  /// the node has become one of them.
  case tracking(Ordering)
  /// It is the system channel, which an operator has joined. The next start puts it into service.
  case awaitingRestart(height: UInt64)
  /// Its ledger exists, but the channel cannot go on before an operator has removed the cause.
  case failed(reason: String)
  /// It was removed from this node, but something of it is left.
  case beingRemoved(Removal)

  /// How far a removal is.
  package enum Removal: Sendable, Equatable {
    /// What this node was to the channel is told until nothing is left of it.
    case underWay(was: ParticipationStatus)
    /// It may be asked for again.
    case failed(was: ParticipationStatus, reason: String)
  }

  /// The state's name, as it follows the words "a channel that is".
  package var name: String {
    switch self {
    case .opening: "being opened"
    case .joining: "being joined"
    case .following: "followed"
    case .ordering: "ordered here"
    case .tracking: "tracked"
    case .awaitingRestart: "waiting for a restart"
    case .failed: "unusable"
    case .beingRemoved(.underWay): "being removed"
    case .beingRemoved(.failed): "not fully removed"
    }
  }

  /// The ledger could not be opened, but it will be tried again. Legal while it is being opened.
  package mutating func obstructOpening(_ reason: String) throws(IllegalTransition) {
    guard case .opening = self else { throw illegal("be kept from being opened") }
    self = .opening(obstacle: reason)
  }

  /// The channel is followed from now on: others order it. Legal once its ledger is open
  /// or it was joined, and when this node has ceased to be one of its orderers.
  package mutating func follow(_ following: Following) throws(IllegalTransition) {
    switch self {
    case .opening, .joining, .ordering: self = .following(following)
    case .following, .tracking, .awaitingRestart, .failed, .beingRemoved:
      throw illegal("be followed")
    }
  }

  /// The channel is ordered here from now on. Legal once its ledger is open or it was joined, and when
  /// this node has become one of its orderers.
  package mutating func order(_ ordering: Ordering) throws(IllegalTransition) {
    switch self {
    case .opening, .joining, .following, .tracking: self = .ordering(ordering)
    case .ordering, .awaitingRestart, .failed, .beingRemoved: throw illegal("be ordered here")
    }
  }

  /// The channel is tracked from now on. Legal once its ledger is open, when this node has ceased to be one of its
  /// orderers, and when the system channel turns up after the channel was followed.
  package mutating func track(_ ordering: Ordering) throws(IllegalTransition) {
    switch self {
    case .opening, .following, .ordering: self = .tracking(ordering)
    case .joining, .tracking, .awaitingRestart, .failed, .beingRemoved:
      throw illegal("be tracked")
    }
  }

  /// The channel, which is the system channel, will be there after the next start. Legal while it is being joined.
  package mutating func awaitRestart(height: UInt64) throws(IllegalTransition) {
    guard case .joining = self else { throw illegal("wait for a restart") }
    self = .awaitingRestart(height: height)
  }

  /// The channel cannot go on. Legal unless it is being joined, which leaves nothing if it fails, or being
  /// removed; the first reason stays.
  package mutating func fail(_ reason: String) throws(IllegalTransition) {
    switch self {
    case .opening, .following, .ordering, .tracking: self = .failed(reason: reason)
    case .failed: break
    case .joining, .awaitingRestart, .beingRemoved: throw illegal("fail")
    }
  }

  /// The channel is being removed. Legal once it is known what it is, and after a removal that
  /// failed.
  ///
  /// - Parameter status: What this node was to the channel; a removal that is asked for again keeps the
  ///   first.
  package mutating func remove(was status: ParticipationStatus) throws(IllegalTransition) {
    switch self {
    case .following, .ordering, .tracking, .awaitingRestart, .failed:
      self = .beingRemoved(.underWay(was: status))
    case .beingRemoved(.failed(let first, _)): self = .beingRemoved(.underWay(was: first))
    case .opening, .joining, .beingRemoved(.underWay): throw illegal("be removed")
    }
  }

  /// Something of the channel could not be deleted. Legal while it is being removed, and if it is left of
  /// a join that failed.
  package mutating func failRemoval(_ reason: String) throws(IllegalTransition) {
    switch self {
    case .beingRemoved(.underWay(let status)):
      self = .beingRemoved(.failed(was: status, reason: reason))
    case .joining:
      self = .beingRemoved(
        .failed(was: ParticipationStatus(relation: .other, status: .inactive), reason: reason))
    case .opening, .following, .ordering, .tracking, .awaitingRestart, .failed,
      .beingRemoved(.failed):
      throw illegal("fail to be removed")
    }
  }

  /// Checks that nothing is left of the channel, so that it can be forgotten. Legal if its ledger turned
  /// out to be empty when it was opened, if its join failed, and while it is being removed.
  package func checkCanBeForgotten() throws(IllegalTransition) {
    switch self {
    case .opening, .joining, .beingRemoved(.underWay): break
    case .following, .ordering, .tracking, .awaitingRestart, .failed, .beingRemoved(.failed):
      throw illegal("be forgotten")
    }
  }

  private func illegal(_ event: String) -> IllegalTransition {
    IllegalTransition(description: "a channel that is \(name) cannot \(event)")
  }
}

/// A mistake of this program about what a channel is: it concerns that channel alone.
package struct IllegalTransition: Error, Equatable, CustomStringConvertible {
  package let description: String
}
