// Whether a change of the consenters would leave a channel without a majority that is alive.

import FabricProtos
import GoText

/// The quorum that a change would lose.
package struct QuorumLoss: Error, Equatable, CustomStringConvertible {
  /// A consenter that has a vote and is not heard of.
  package struct Silent: Equatable, Sendable {
    package let id: UInt64
    /// `host:port`
    package let endpoint: String
    /// For how long at least; nil if that is not known.
    package let duration: Duration?
  }

  /// Consenters with a vote that are alive.
  package let active: Int
  /// Consenters with a vote.
  package let consenters: Int
  /// How many have to be alive after the change.
  package let quorum: Int
  /// How many of them are.
  package let remaining: Int
  /// The consenter whose certificate changes: it counts as silent until the change is applied everywhere.
  package let rotated: UInt64?
  package let silent: [Silent]

  /// Begins with the words of Fabric.
  package var description: String {
    var text =
      "\(active) out of \(consenters) nodes are alive, configuration will result in quorum loss"
    text += ": \(quorum) have to be alive after the update, and \(remaining) would be"
    if !silent.isEmpty {
      text += ". Not heard of: " + silent.map(Self.text).joined(separator: ", ")
    }
    if let rotated {
      text += ". Consenter \(rotated), whose certificate changes, counts as down"
    }
    return text
      + """
      . Start what is down, or see why it is not reached, and submit the update again; if a majority is lost for \
      good, `orderer raft recover` makes the channel go on without it
      """
  }

  private static func text(_ one: Silent) -> String {
    let name = "consenter \(one.id) (\(one.endpoint))"
    return one.duration.map { "\(name) for \(GoDuration($0.wholeSeconds)) at least" } ?? name
  }

  /// Checks a change against the consenters that are alive now.
  ///
  /// A loss that cannot be avoided is none: a channel of two or fewer consenters stands still whenever one
  /// of them is down, and growing to that size must be possible (Fabric: `UnacceptableQuorumLoss`). Only
  /// those count that have a vote: whom a recovery has given up can always be removed.
  ///
  /// - Throws: ``QuorumLoss``
  package static func check(
    _ change: ConsenterChange, from before: ConsenterSet,
    _ standing: ConsensusMetadataValidator.Standing
  ) throws(QuorumLoss) {
    guard let known = standing.active else { return }
    let voters = standing.voters ?? Set(before.ids)
    let active = known.intersection(voters)
    let size: Int
    var remaining = active
    var rotated: UInt64?
    switch change {
    case .none: return
    case .added:
      size = voters.count + 1
      if size <= 2 { return }
    case .rotated(let id, _):
      size = voters.count
      guard size > 2, voters.contains(id) else { return }
      remaining.remove(id)
      rotated = id
    case .removed(let id):
      guard voters.contains(id) else { return }
      size = voters.count - 1
      remaining.remove(id)
    }
    let quorum = size / 2 + 1
    guard remaining.count < quorum else { return }
    let silent = zip(before.ids, before.consenters).filter { id, _ in
      voters.contains(id) && !active.contains(id)
    }.map { id, consenter in
      Silent(
        id: id, endpoint: RaftConfig.name(consenter), duration: standing.silence[id])
    }
    throw QuorumLoss(
      active: active.count, consenters: voters.count, quorum: quorum, remaining: remaining.count,
      rotated: rotated, silent: silent)
  }
}

extension Duration {
  /// What is said of a time that nobody knows exactly.
  fileprivate var wholeSeconds: Duration { .seconds(components.seconds) }
}
