// How a node goes on that lost its log: it writes what others order, and waits to be removed.

import BlockLedger
import Blocks
import Concurrency
import FabricProtos
import Ordering

extension RaftChain {
  /// Pulls that find other blocks than this node's, one after the other, before its chain counts as forked: one of the
  /// other orderers may be wrong.
  private static let maximumContradictions = 5

  /// This node is not a consenter any more, or another one.
  private struct Removed: Error {
    let reason: String
  }

  /// Writes what others order until this node is removed from the channel or the chain is halted.
  ///
  /// - Throws: `ChannelFault` if the others' chain is another one; what the ledger throws.
  func watchOthers() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.watch() }
      group.addTask {
        let _: Void? = await self.state.waitUnlessCancelled { $0.isHalted ? () : nil }
      }
      defer { group.cancelAll() }
      do { try await group.next() } catch let removed as Removed {
        logger.warning("This node ceases to follow what others order: \(removed.reason)")
        support.ceaseOrdering(reason: removed.reason)
      }
    }
  }

  private func watch() async throws {
    var backoff = Backoff(from: .milliseconds(500), to: .seconds(10))
    var contradictions = 0
    var triesLeft = Self.triesForMetadata
    while !Task.isCancelled {
      let before = support.height
      do {
        try await pullNext(isLast: triesLeft == 0)
        contradictions = 0
      } catch PullFailure.invalid(let reason) {
        contradictions += 1
        logger.warning("Blocks of other orderers do not follow on this node's: \(reason)")
        guard contradictions < Self.maximumContradictions else {
          throw ForkedChain.amongOthers(try end(), reason: reason, channelID: channelID)
        }
      } catch PullFailure.forbidden {
        throw Removed(
          reason:
            "all other orderers refuse to give this node blocks: it was removed from the channel")
      } catch let failure as PullFailure { logger.debug("Nothing is pulled now: \(failure)") }
      triesLeft -= triesLeft > 0 ? 1 : 0
      if support.height > before {
        backoff.reset()
        triesLeft = Self.triesForMetadata
      }
      try await time.sleep(for: backoff.next())
    }
  }

  /// - Parameter isLast: Whether blocks are taken to which nobody sends their metadata.
  private func pullNext(isLast: Bool) async throws {
    let (support, id) = (support, id)
    let end = try end()
    try await blocks.pull(
      channelID, from: end.height, through: nil, under: support.bundle, previousHash: end.lastHash
    ) { run in
      var metadata = try Self.metadata(of: support)
      let groups = try PulledBlocks.groups(of: run, &metadata)
      guard isLast || metadata.missing == 0 else {
        throw PullFailure.unavailable("a node has stored blocks without their metadata")
      }
      for group in groups {
        try await support.append(made: group)
        guard group.first?.assembled.kind.isConfigBlock == true else { continue }
        try Self.checkMembership(of: id, in: support)
      }
    }
    metrics.committedBlockNumber.record(support.height - 1)
  }

  private func end() throws -> ChainEnd {
    ChainEnd(after: try support.block(support.height - 1).header)
  }

  /// Stops right behind the block that removes this node: added again, it is another consenter.
  private static func checkMembership(
    of id: UInt64, in support: any ConsenterSupport
  ) throws {
    let orderer = try support.bundle.requiredOrderer(orThrow: ChannelFault.init)
    guard orderer.consensusType == RaftConfig.type else {
      throw ChannelFault(
        """
        the channel's consensus type is \(orderer.consensusType) now: restart the orderer, which begins to use it
        """)
    }
    let newest = try NewestBlock(
      try support.block(support.height - 1).completed { try support.block($0) },
      config: RaftConfig(serialized: orderer.consensusMetadata), identity: nil)
    guard !newest.consenters.ids.contains(id) else { return }
    throw Removed(reason: "block \(newest.end.height - 1) removes this node from the channel")
  }
}
