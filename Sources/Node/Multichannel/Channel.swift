// One channel of this node, as seen by those who bring messages to it or read blocks from it.

import BlockLedger
import Blocks
import ChannelConfig
import FabricProtos
import MessageProcessing
import NIOCore
import Ordering
import Synchronization

/// A channel that works: its validation, its ordering and its blocks.
package final class Channel: Sendable {
  private let support: ChainSupport
  /// Orders the channel's messages.
  package let chain: any Chain
  /// Why nothing may be ordered any more: the first damage in the channel's files, or a fault of its chain.
  private let fault = Mutex<String?>(nil)

  init(support: ChainSupport, consenter: any Consenter) throws {
    self.support = support
    let newest = try support.store.block(support.store.height - 1)
    let chain = try consenter.makeChain(support: support, newestBlock: newest)
    self.chain = chain
    support.retry.observe { [weak chain] in chain?.ledgerObstructed($0) }
  }

  /// The channel's name.
  package var id: String { support.channelID }
  /// Validates the channel's messages.
  package var processor: any ChannelProcessor { support.processor }
  /// The configuration in force.
  package var bundle: ConfigBundle { support.bundle }
  /// The first block that can be read: 0 unless the ledger forgets.
  package var oldestBlock: UInt64 { support.store.oldestBlock }
  /// Where its blocks are.
  var store: any BlockStore { support.store }
  /// The end of the chain, for readers.
  package var tip: TipSignal { support.tip }

  /// Why the channel's ledger takes no blocks at the moment; nil while it does. The channel resumes by
  /// itself once the cause, e.g. a full disk, is removed.
  package var obstruction: String? { support.retry.obstruction }

  /// What keeps the channel from taking messages, and what an operator can do about it; nil if nothing
  /// does as far as the channel knows (see also `Chain.healthProblem`).
  package var problem: String? {
    // What is tracked is not in trouble.
    if chain is InactiveChain { return nil }
    if let reason = fault.withLock({ $0 }) ?? tip.failure {
      return "the channel has halted: \(reason). Remove the cause, then restart the orderer"
    }
    if let obstruction {
      return "\(obstruction). The channel goes on by itself once they can; no restart is needed"
    }
    return tip.error.map {
      "\($0). The channel goes on by itself once the cause is gone; no restart is needed"
    }
  }

  /// Waits until the channel can take messages.
  ///
  /// - Throws: `ChainError` if it is in error, or the ledger takes no blocks.
  package func waitReady() async throws(ChainError) {
    if let reason = fault.withLock({ $0 }) { throw .failed(channelID: id, reason: reason) }
    if let obstruction { throw .unavailable(channelID: id, reason: obstruction) }
    try await chain.waitReady()
  }

  /// Hands normal messages to the chain, in order.
  package func order(_ messages: [OrderedMessage]) async -> OrderOutcomes {
    switch await chain.order(messages) {
    case .all(let outcome): return .all(explained(outcome))
    case .each(let outcomes):
      guard outcomes.count == messages.count else {
        let fault = ChannelFault.broken(
          "the chain answered \(outcomes.count) of \(messages.count) messages")
        endOrdering("\(fault)")
        return .all(.refused(.failed(channelID: id, reason: "\(fault)")))
      }
      return .each(outcomes.map(explained))
    }
  }

  /// Hands the chain a message that changes the configuration, or creates a channel.
  package func configure(_ message: OrderedMessage) async -> OrderOutcome {
    explained(await chain.configure(message))
  }

  /// A chain sends waiting submitters away when the disk is full. The full disk is then the reason
  /// to tell.
  private func explained(_ outcome: OrderOutcome) -> OrderOutcome {
    guard case .refused(.overloaded) = outcome, let obstruction else { return outcome }
    return .refused(.unavailable(channelID: id, reason: obstruction))
  }

  /// Stops ordering and returns when nothing is written any more. What waits for room on the disk is
  /// given up.
  package func halt() async {
    support.retry.stop()
    await chain.halt()
  }

  /// Blocks in protobuf wire form from `number` on: at least that one, then the following ones that
  /// exist, up to `count` blocks or until they reach `bytes` together.
  ///
  /// - Parameter contentType: With `headerWithSig`, the data of a block that is not a config block
  ///   is left out; `bytes` counts it all the same.
  /// - Throws: `LedgerError` if block `number` does not exist or cannot be read.
  package func blocks(
    from number: UInt64, count: Int, bytes: Int, contentType: Orderer_SeekInfo.SeekContentType
  ) async throws -> [ByteBuffer] {
    try await haltingOnDamage {
      guard contentType == .headerWithSig else {
        return try await support.store.serializedBlocks(from: number, count: count, bytes: bytes)
      }
      return try await support.store.blocksWithoutData(
        from: number, count: count, bytes: bytes, unless: { BlockKind(holding: $0).isConfigBlock })
    }
  }

  /// The number of the newest config block.
  ///
  /// - Throws: `LedgerError` or `BlockError` if the newest block cannot be read or does not say.
  package func newestConfigBlock() throws -> UInt64 {
    let newest = try support.store.block(support.store.height - 1)
    return try newest.lastConfigIndex(channelID: id)
  }

  /// A damaged block ends the ordering of its channel, since nobody knows what else is damaged.
  private func haltingOnDamage<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let error as LedgerError {
      if case .corrupt = error { endOrdering("\(error)") }
      throw error
    }
  }

  /// Stops the chain from taking more, and has the channel tell why. The first reason stays.
  private func endOrdering(_ reason: String) {
    let isFirst = fault.withLock { fault in
      defer { fault = fault ?? reason }
      return fault == nil
    }
    guard isFirst else { return }
    support.fail(reason: reason)
    Task { await halt() }
  }
}
