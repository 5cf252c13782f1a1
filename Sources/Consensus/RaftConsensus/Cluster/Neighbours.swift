// Whom a chain is connected to.

import Ordering
import RaftCore

/// The other members of a channel. One that was removed stays for a while, so that it can hear of it and vote until the
/// others know.
struct Neighbours: Sendable {
  private struct Departing: Sendable {
    let member: ClusterMember
    var ticks: Int
  }

  private let own: NodeID
  /// How long one that was removed stays.
  private let graceTicks: Int
  private var current: [ClusterMember] = []
  private var departing: [Departing] = []

  init(of own: NodeID, graceTicks: Int) {
    self.own = own
    self.graceTicks = graceTicks
  }

  /// All to be connected to.
  var members: [ClusterMember] { current + departing.map(\.member) }

  /// The consenters are these now.
  ///
  /// - Returns: Whether connections have to change.
  mutating func change(to set: ConsenterSet) -> Bool {
    let before = members
    let next = zip(set.ids, set.consenters).filter { $0.0 != own }.map { id, consenter in
      ClusterMember(
        id: id, host: consenter.host, port: consenter.port,
        serverCertificate: Array(consenter.serverTlsCert),
        clientCertificate: Array(consenter.clientTlsCert))
    }
    let ids = Set(next.map(\.id))
    departing += current.filter { !ids.contains($0.id) }
      .map { Departing(member: $0, ticks: graceTicks) }
    current = next
    return members != before
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
