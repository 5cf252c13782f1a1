// How a leader gives way in an orderly manner.

import Ordering
import RaftCore

/// A leadership on its way to another node. Each try takes an election time-out at most.
///
/// A value without clock or I/O.
struct LeaderTransfer: Sendable {
  enum Purpose: Sendable {
    /// An update removes this node, or rotates its certificate: the next leader is to make a block of it.
    case update(OrderedMessage)
    /// This node stops.
    case halt
    /// Others can make blocks better: this node's log takes no entries, or it is about to stop. If nobody is there, it
    /// leads on.
    case relief
  }

  /// Tries for an update, as many as Go's.
  private static let updateAttempts = 5

  let purpose: Purpose
  private let electionTicks: Int
  private var attempts = 0
  private var ticks = 0
  /// To whom it went before.
  private var tried: Set<NodeID> = []

  init(_ purpose: Purpose, electionTicks: Int) {
    self.purpose = purpose
    self.electionTicks = electionTicks
  }

  /// Whom to try next.
  ///
  /// - Parameter candidates: Those that are alive, the one with the longest log first.
  /// - Returns: nil if all tries have failed, or nobody is there.
  mutating func next(_ candidates: [NodeID]) -> NodeID? {
    let limit =
      switch purpose {
      case .update: Self.updateAttempts
      case .halt, .relief: 1
      }
    guard attempts < limit else { return nil }
    if candidates.allSatisfy(tried.contains) { tried = [] }
    guard let node = candidates.first(where: { !tried.contains($0) }) else { return nil }
    tried.insert(node)
    attempts += 1
    ticks = 0
    return node
  }

  /// - Returns: Whether the try has failed.
  mutating func tick() -> Bool {
    ticks += 1
    return ticks > electionTicks
  }
}
