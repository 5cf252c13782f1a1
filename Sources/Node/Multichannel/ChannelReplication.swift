// One channel that the orderers of the system channel are asked for.

import BlockLedger
import Blocks
import ChannelConfig
import FabricProtos
import Followers
import Ordering
import Replication

/// Finds out whether a channel has this node among its consenters, and pulls its blocks (Fabric:
/// `cluster.Replicator`).
struct ChannelReplication {
  let registrar: Registrar
  let channelID: String
  /// The configuration of the system channel, which says whom to ask.
  let endpoints: ConfigBundle

  /// How many blocks others have, if their newest configuration names this node; nil if it does not, or if they do not
  /// tell, which is logged. Nobody has verified that.
  ///
  /// - Throws: `CancellationError`
  func heightIfMember() async throws -> UInt64? {
    let logger = registrar.logger
    logger.info("Probing whether I should pull channel \(channelID)")
    do {
      let claim = try await registrar.blocks.claim(about: channelID, under: endpoints)
      guard let entry = claim.configBlock.data.first,
        let bundle = try? ConfigBundle(configEnvelope: entry),
        let consenter = try? registrar.consenter(for: bundle) as? any ClusterConsenter,
        consenter.role(in: bundle) == .consenter
      else {
        skip("not in the channel")
        return nil
      }
      logger.info("I need to pull channel \(channelID)")
      return claim.height
    } catch PullFailure.forbidden {
      skip("forbidden pulling the channel")
    } catch let failure as PullFailure {
      logger.info(
        """
        All orderers in the system channel are either down, or do not service channel \(channelID) \
        (\(failure)), skipping chain retrieval
        """)
    }
    return nil
  }

  private func skip(_ reason: String) {
    registrar.logger.info(
      """
      I do not belong to channel \(channelID) or am forbidden pulling it (\(reason)), skipping chain \
      retrieval
      """)
  }

  /// Pulls the blocks that a ledger lacks, verified from the newest one on that it has.
  ///
  /// - Parameter store: Has at least the genesis block.
  /// - Throws: `PullFailure`, what committing throws, `CancellationError`.
  func pull(into store: any BlockStore, through last: UInt64) async throws {
    guard store.height <= last else { return }
    registrar.logger.info("Pulling channel \(channelID)")
    let ledger = ledger(store, bundle: try Registrar.bundle(of: store))
    try await registrar.blocks.pull(
      behind: ledger.trust, through: last, from: .fixed(endpoints)
    ) { try await ledger.commit($0) }
    registrar.logger.info("Pulled channel \(channelID), height \(store.height)")
  }

  /// Where pulled blocks are committed.
  ///
  /// - Parameters:
  ///   - bundle: The configuration at the end of the ledger; nil if that is empty.
  ///   - last: The block that is trusted, and has to be in the chain.
  func ledger(
    _ store: any BlockStore, bundle: ConfigBundle?, last: JoinPoint? = nil
  ) -> FollowedLedger {
    FollowedLedger(
      store: store, bundle: bundle, join: last, isStale: false,
      support: FollowedChannel(registrar: registrar, id: channelID), signer: registrar.signer,
      metrics: ChannelMetrics(channelID: channelID, factory: registrar.metrics),
      time: registrar.time, logger: registrar.logger)
  }
}
