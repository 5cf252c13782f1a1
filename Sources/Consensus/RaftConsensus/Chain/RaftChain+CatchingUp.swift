// How a chain gets blocks that a snapshot stands for.

import BlockLedger
import Blocks
import Concurrency
import FabricProtos
import Ordering

extension RaftChain {
  /// Pulls blocks up to a number and writes them under this node's signature, again and again until they are here.
  /// Nothing else may write meanwhile.
  ///
  /// - Throws: What the ledger throws; `CancellationError` once the task is cancelled.
  func catchUp(through last: UInt64) async throws {
    var triesLeft = Self.triesForMetadata
    var backoff = Backoff(from: .milliseconds(100), to: .seconds(10))
    while support.height <= last {
      let before = support.height
      let newest = try support.block(before - 1)
      let (support, events, isLast) = (support, events, triesLeft == 0)
      triesLeft -= triesLeft > 0 ? 1 : 0
      do {
        try await blocks.pull(
          channelID, from: before, through: last, under: support.bundle,
          previousHash: ChainEnd(after: newest.header).lastHash
        ) { run in
          var metadata = try Self.metadata(of: support)
          let groups = try PulledBlocks.groups(of: run, &metadata)
          guard isLast || metadata.missing == 0 else {
            throw PullFailure.unavailable("a node has stored blocks without their metadata")
          }
          for group in groups { try await support.append(made: group) }
          events.tell(.pulled(run))
        }
      } catch let failure as PullFailure {
        if support.height > before { backoff.reset() }
        let delay = backoff.next()
        logger.warning(
          "Blocks up to [\(last)] cannot be pulled now: \(failure); tried again in \(delay)")
        try await time.sleep(for: delay)
      }
    }
    logger.info("Finished syncing with cluster up to and including block [\(last)]")
  }

  /// How often other nodes are asked before metadata that nobody sends are made up.
  static let triesForMetadata = 5

  /// What is known at the newest block of the ledger.
  static func metadata(of support: any ConsenterSupport) throws -> PulledMetadata {
    let orderer = try support.bundle.requiredOrderer(orThrow: ChannelFault.init)
    return PulledMetadata(
      after: try NewestBlock(
        try support.block(support.height - 1),
        config: try RaftConfig(serialized: orderer.consensusMetadata), identity: nil))
  }
}
