// How a channel is followed, as a value: what to pull, when to look again, when to order it instead.

import Ordering

/// What a follower does next (Fabric: `orderer/common/follower`).
///
/// Up to its join block it pulls, whatever the blocks say. From then on it looks how many blocks there are, and
/// pulls those that are new, until a configuration names this node as a consenter.
package struct FollowerCore: Sendable {
  /// What to do. Each is answered by one input.
  package enum Effect: Sendable, Equatable {
    /// Pull the blocks that are missing, up to this one: ``pulled(_:reached:)``.
    case pull(through: UInt64)
    /// Find out how many blocks others have: ``polled(_:)``.
    case poll
    /// Wait: ``paused()``.
    case pause(Duration)
    /// Nothing is left to follow: this node orders the channel from now on.
    case order
  }

  /// The end of the chain that is here.
  package struct Position: Sendable, Equatable {
    package var height: UInt64
    /// Whether the configuration in force there names this node, and is not known to be out of date.
    package var isConsenter: Bool

    package init(height: UInt64, isConsenter: Bool) {
      self.height = height
      self.isConsenter = isConsenter
    }
  }

  package enum Outcome: Sendable, Equatable {
    case success, failure
  }

  /// The pauses after pulls that failed, and between looks for new blocks.
  static let retry = GrowingPause(from: .milliseconds(50), to: .seconds(60))
  static let lookout = GrowingPause(from: .milliseconds(500), to: .seconds(10))
  /// Looks in a row that may fail before an operator should hear of it.
  static let patience = 5

  /// The number of the join block, until that block is here.
  private var joinNumber: UInt64?
  private var position: Position
  /// Blocks that others are known to have.
  private var target: UInt64 = 0
  private var retry = Self.retry
  private var lookout = Self.lookout
  /// Attempts in a row that have failed.
  package private(set) var failures = 0

  /// - Parameter joinNumber: The number of the block that the channel was joined with; nil if that is long over.
  package init(at position: Position, joinNumber: UInt64?) {
    self.position = position
    self.joinNumber = joinNumber
    noteJoin()
  }

  /// Whether the join block is not here yet.
  package var isOnboarding: Bool { joinNumber != nil }
  /// How many blocks there will be at the end of what is being pulled.
  package var targetHeight: UInt64 { joinNumber.map { $0 + 1 } ?? max(target, position.height) }
  /// Whether it is time to tell an operator that nothing comes.
  package var isTroubled: Bool { failures >= Self.patience }

  /// Begins.
  package func begin() -> Effect { decide() }

  /// A pull has ended.
  ///
  /// - Parameter reached: The end of the chain now.
  package mutating func pulled(_ outcome: Outcome, reached: Position) -> Effect {
    if reached.height > position.height {
      retry.reset()
      failures = 0
    }
    position = reached
    noteJoin()
    switch outcome {
    case .success:
      failures = 0
      return decide()
    case .failure:
      // It has tried many times by itself.
      failures = max(failures + 1, Self.patience)
      // Those who had so many blocks may be gone.
      target = 0
      return mayOrder ? .order : .pause(retry.next())
    }
  }

  /// Somebody has told how many blocks there are; nil if nobody did.
  package mutating func polled(_ height: UInt64?) -> Effect {
    guard let height else {
      failures += 1
      return .pause(lookout.next())
    }
    failures = 0
    guard height > position.height else { return .pause(lookout.next()) }
    lookout.shrink()
    target = height
    return decide()
  }

  /// A pause is over.
  package func paused() -> Effect { decide() }

  private func decide() -> Effect {
    if let joinNumber { return .pull(through: joinNumber) }
    if mayOrder { return .order }
    return target > position.height ? .pull(through: target - 1) : .poll
  }

  private var mayOrder: Bool { joinNumber == nil && position.isConsenter }

  private mutating func noteJoin() {
    if let number = joinNumber, position.height > number { joinNumber = nil }
  }
}
