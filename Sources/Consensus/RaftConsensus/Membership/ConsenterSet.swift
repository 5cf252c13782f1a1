// The consenters of a channel under their ids, and what becomes of them when the configuration changes.

import FabricProtos

/// The consenters that order a channel, each under the id that it has in the Raft log.
///
/// A consenter keeps its id as long as its client certificate stays the same, byte for byte, wherever it
/// stands in the configuration (Fabric: `ComputeConsenterChanges`).
package struct ConsenterSet: Sendable, Equatable {
  /// In the order of the configuration.
  package let consenters: [Etcdraft_Consenter]
  /// The ids, in the same order.
  package let ids: [UInt64]
  /// The id that the next new consenter gets.
  package let nextID: UInt64

  /// - Throws: ``UnusableBlockMetadata`` if there are not as many ids as consenters.
  package init(
    _ consenters: [Etcdraft_Consenter], metadata: RaftBlockMetadata
  ) throws(UnusableBlockMetadata) {
    guard consenters.count == metadata.consenterIDs.count else {
      throw UnusableBlockMetadata(
        reason: """
          it names \(metadata.consenterIDs.count) consenter(s), and the configuration \
          \(consenters.count)
          """)
    }
    self.init(consenters, ids: metadata.consenterIDs, nextID: metadata.nextConsenterID)
  }

  private init(_ consenters: [Etcdraft_Consenter], ids: [UInt64], nextID: UInt64) {
    self.consenters = consenters
    self.ids = ids
    self.nextID = nextID
  }

  /// The id of the consenter whose server certificate has this key; nil if there is none.
  package func id(of key: ConsenterKey) -> UInt64? {
    zip(ids, consenters).first { ConsenterKey(pem: Array($0.1.serverTlsCert)) == key }?.0
  }

  /// What a block says of the set.
  package func metadata(raftIndex: UInt64) -> RaftBlockMetadata {
    RaftBlockMetadata(consenterIDs: ids, nextConsenterID: nextID, raftIndex: raftIndex)
  }

  /// The set that follows from a new configuration, and what that means for Raft.
  ///
  /// - Throws: ``TooManyConsenterChanges`` if more than one consenter changes.
  package func changed(
    to next: [Etcdraft_Consenter]
  ) throws(TooManyConsenterChanges) -> (set: ConsenterSet, change: ConsenterChange) {
    let known = Dictionary(
      zip(consenters.map(\.clientTlsCert), ids), uniquingKeysWith: { _, last in last })
    let added = next.indices.filter { known[next[$0].clientTlsCert] == nil }
    let kept = Set(next.map(\.clientTlsCert))
    let removed = zip(ids, consenters).filter { !kept.contains($0.1.clientTlsCert) }.map(\.0)

    let change: ConsenterChange
    switch (added.count, removed.first) {
    case (0, nil): change = .none
    case (1, nil): change = .added(nextID, next[added[0]])
    case (0, let id?) where removed.count == 1: change = .removed(id)
    case (1, let id?) where removed.count == 1: change = .rotated(id, next[added[0]])
    default: throw TooManyConsenterChanges(added: added.count, removed: removed.count)
    }
    // 0 stands for nobody: an id of 2⁶⁴ would be that.
    guard nextID < .max || change.addedID == nil else {
      throw TooManyConsenterChanges(added: added.count, removed: removed.count)
    }
    let set = ConsenterSet(
      next, ids: next.map { known[$0.clientTlsCert] ?? change.newcomerID ?? nextID },
      nextID: change.addedID.map { $0 + 1 } ?? nextID)
    return (set, change)
  }
}

/// What a new configuration does to the consenters: one of them at most changes.
package enum ConsenterChange: Sendable, Equatable {
  case none
  /// A consenter came, under a new id.
  case added(UInt64, Etcdraft_Consenter)
  /// The consenter with this id went.
  case removed(UInt64)
  /// The consenter with this id has another client certificate. Raft knows nothing of it.
  case rotated(UInt64, Etcdraft_Consenter)

  /// The id that did not exist before.
  var addedID: UInt64? { if case .added(let id, _) = self { id } else { nil } }

  /// The id of the consenter whose client certificate is new.
  fileprivate var newcomerID: UInt64? {
    switch self {
    case .added(let id, _), .rotated(let id, _): id
    case .none, .removed: nil
    }
  }

  /// The consenter whose client certificate is new.
  var newcomer: Etcdraft_Consenter? {
    switch self {
    case .added(_, let consenter), .rotated(_, let consenter): consenter
    case .none, .removed: nil
    }
  }
}

/// A new configuration changes more consenters than one. Two nodes could otherwise disagree about who
/// makes up a majority.
package struct TooManyConsenterChanges: Error, Equatable, CustomStringConvertible {
  package let added: Int
  package let removed: Int

  package var description: String {
    """
    update of more than one consenter at a time is not supported, requested changes: add \(added) \
    node(s), remove \(removed) node(s)
    """
  }
}
