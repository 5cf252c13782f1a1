// Whom a chain is connected to.

import Ordering
import RaftCore

/// The other members of a channel. One that was removed stays for a while, so that it can hear of it and vote until the
/// others know.
package struct Neighbours: Sendable {
  private struct Departing: Sendable {
    let member: ClusterMember
    var ticks: Int
  }

  private let id: NodeID
  /// How long one that was removed stays.
  private let graceTicks: Int
  /// This node, as the others know it; nil if it is none of the consenters.
  private(set) var own: ClusterMember?
  private var current: [ClusterMember] = []
  private var departing: [Departing] = []

  init(of id: NodeID, graceTicks: Int) {
    self.id = id
    self.graceTicks = graceTicks
  }

  /// All to be connected to.
  package var members: [ClusterMember] { current + departing.map(\.member) }

  /// The consenters are these now.
  ///
  /// - Returns: Whether connections have to change.
  mutating func change(to set: ConsenterSet) -> Bool {
    let before = (own, members)
    var next = zip(set.ids, set.consenters).map { id, consenter in
      ClusterMember(
        id: id, host: consenter.host, port: consenter.port,
        serverCertificate: Array(consenter.serverTlsCert),
        clientCertificate: Array(consenter.clientTlsCert))
    }
    // One that was removed answers as it was known until the others know.
    own = next.first { $0.id == id } ?? own
    next.removeAll { $0.id == id }
    let ids = Set(next.map(\.id))
    departing += current.filter { !ids.contains($0.id) }
      .map { Departing(member: $0, ticks: graceTicks) }
    current = next
    return (own, members) != before
  }

  /// - Returns: Whether connections have to change.
  mutating func tick() -> Bool {
    guard !departing.isEmpty else { return false }
    let before = departing.count
    departing = departing.compactMap { one in
      one.ticks > 1 ? Departing(member: one.member, ticks: one.ticks - 1) : nil
    }
    return departing.count != before
  }
}
