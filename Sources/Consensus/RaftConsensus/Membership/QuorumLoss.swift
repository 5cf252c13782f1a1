// Whether a change of the consenters would leave a channel without a majority that is alive.

/// The quorum that a change would lose.
package struct QuorumLoss: Error, Equatable, CustomStringConvertible {
  package let active: Int
  package let consenters: Int

  package var description: String {
    "\(active) out of \(consenters) nodes are alive, configuration will result in quorum loss"
  }

  /// Checks a change against the consenters that are alive now.
  ///
  /// A loss that cannot be avoided is none: a channel of two or fewer consenters stands still whenever one
  /// of them is down, and growing to that size must be possible (Fabric: `UnacceptableQuorumLoss`).
  ///
  /// - Throws: ``QuorumLoss``
  package static func check(
    _ change: ConsenterChange, from before: ConsenterSet, to after: ConsenterSet,
    active: Set<UInt64>
  ) throws(QuorumLoss) {
    let size = after.ids.count
    let quorum = size / 2 + 1
    let isLost =
      switch change {
      case .none: false
      case .added: size > 2 && active.count < quorum
      case .rotated(let id, _): size > 2 && active.subtracting([id]).count < quorum
      case .removed(let id): active.subtracting([id]).count < quorum
      }
    guard !isLost else {
      throw QuorumLoss(active: active.count, consenters: before.ids.count)
    }
  }
}
