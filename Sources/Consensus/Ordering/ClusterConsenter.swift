// An ordering protocol of nodes that join a channel and leave it.

/// A consenter whose channels are ordered by a cluster (etcdraft, BFT). Only such channels can be joined and
/// left one by one, without a system channel (Fabric: `consensus.ClusterConsenter`).
///
/// Its chains say what this node is to them: see ``Chain/participation``.
package protocol ClusterConsenter: Consenter {
  /// Deletes what this node keeps of a channel beside its ledger, such as logs and snapshots. No error if
  /// there is nothing, also of a channel that this consenter never ordered.
  ///
  /// Called when the channel's chain has halted, or when it does not run yet because an earlier removal was
  /// cut short. Called again after a crash, so each step must be one that can be repeated.
  ///
  /// - Throws: why something is left. The removal fails then, and can be asked for again.
  func removeData(of channelID: String) async throws
}
