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
    var backoff = Backoff(from: .milliseconds(100), to: .seconds(10))
    while support.height <= last {
      let before = support.height
      let newest = try support.block(before - 1)
      let (support, events) = (support, events)
      do {
        try await blocks.pull(
          channelID, from: before, through: last, under: support.bundle,
          previousHash: ChainEnd(after: newest.header).lastHash
        ) { run in
          for group in try Self.groups(of: run) { try await support.append(made: group) }
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

  /// Blocks as this node makes them of what others made: the consenter's metadata are taken over, the signature is this
  /// node's. Those that are written together are few, and a config block stands alone.
  private static func groups(of run: [Block]) throws -> [[MadeBlock]] {
    var groups: [[MadeBlock]] = []
    var (bytes, isOpen) = (0, false)
    for block in run {
      let made = MadeBlock(
        try AssembledBlock(verifying: block.header, data: block.data),
        consenterMetadata: ConsenterMetadata.wrap(block.consenterMetadata()))
      let size = block.data.reduce(0) { $0 + $1.count }
      let isConfig = block.isConfigBlock
      if isOpen, !isConfig, let count = groups.last?.count, count < GroupCommit.maximumCount,
        bytes + size <= GroupCommit.maximumBytes
      {
        groups[groups.count - 1].append(made)
        bytes += size
      } else {
        groups.append([made])
        (bytes, isOpen) = (size, !isConfig)
      }
    }
    return groups
  }
}
