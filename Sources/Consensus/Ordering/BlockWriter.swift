// The end of a channel's chain on this node: makes blocks out of batches, takes blocks that others sealed,
// and has the ledger store them.

import BlockLedger
import Blocks
import Concurrency
import FabricCrypto
import FabricProtos
import Membership
import Synchronization

/// The end of one chain, where blocks are committed.
///
/// Only the task of the channel's chain writes; a second write must not begin before the first one
/// has returned. A write that throws ends the chain: some of its blocks may be in the ledger.
package final class BlockWriter: Sendable {
  private struct State {
    var end: ChainEnd
    var lastConfig: LastConfig
  }

  private let state: Mutex<State>
  private let store: any BlockStore
  private let signer: any Signer
  private let retry: LedgerRetry
  private let time: any TimeSource
  private let metrics: ChannelMetrics

  /// Continues the chain of a store that has at least one block.
  ///
  /// - Parameters:
  ///   - configSequence: Sequence of the configuration in force at the store's newest block.
  ///   - retry: Decides what becomes of writes that fail.
  ///   - time: Tells how long commits take.
  ///   - metrics: Is told of every commit.
  package init(
    store: any BlockStore, signer: any Signer, configSequence: UInt64, retry: LedgerRetry,
    time: any TimeSource, metrics: ChannelMetrics
  ) throws {
    let height = store.height
    guard height > 0 else {
      throw BlockError(channelID: store.channelID, reason: "the ledger holds no block")
    }
    let last = try store.block(height - 1)
    guard last.header.number == height - 1 else {
      throw BlockError(
        channelID: store.channelID,
        reason: "the ledger gives block \(last.header.number) as block \(height - 1)")
    }
    let lastConfig = try last.lastConfigIndex(channelID: store.channelID)
    state = Mutex(
      State(
        end: ChainEnd(after: last.header),
        lastConfig: LastConfig(block: lastConfig, sequence: configSequence)))
    self.store = store
    self.signer = signer
    self.retry = retry
    self.time = time
    self.metrics = metrics
    metrics.setHeight(height)
  }

  /// What one block is made of.
  package struct Content: Sendable {
    /// Serialized envelopes.
    package var entries: [[UInt8]]
    /// Goes into the signed part of the metadata as it is; empty for none.
    package var consenterMetadata: [UInt8]
    /// Whether the consenter's metadata also goes into the slot where Fabric 1.x looks for it, and
    /// which Fabric 2.x leaves empty.
    package var isForFabric1: Bool

    package init(entries: [[UInt8]], consenterMetadata: [UInt8] = [], isForFabric1: Bool = true) {
      self.entries = entries
      self.consenterMetadata = consenterMetadata
      self.isForFabric1 = isForFabric1
    }
  }

  /// Assembles, seals and commits the next blocks in one go. They share one synchronization; all are
  /// durable and can be read when this returns. While the ledger cannot take them for a reason that may
  /// pass, this keeps trying.
  ///
  /// - Parameter configSequence: Sequence of the configuration in force, which for a config block is
  ///   the new one.
  package func write(_ contents: [Content], configSequence: UInt64) async throws {
    let end = state.withLock { $0.end }
    var assembler = BlockAssembler(at: end)
    let made = contents.map { content in
      let block = assembler.assemble(content.entries)
      return (MadeBlock(block, consenterMetadata: content.consenterMetadata), content.isForFabric1)
    }
    try await append(made, configSequence: configSequence)
  }

  /// Seals and commits the next blocks, which were assembled elsewhere. As
  /// ``write(_:configSequence:)`` otherwise.
  package func append(
    made blocks: [MadeBlock], isForFabric1: Bool, configSequence: UInt64
  ) async throws {
    try await append(blocks.map { ($0, isForFabric1) }, configSequence: configSequence)
  }

  private func append(
    _ blocks: [(MadeBlock, isForFabric1: Bool)], configSequence: UInt64
  ) async throws {
    var lastConfig = state.withLock { $0.lastConfig }
    var sealed: [SealedBlock] = []
    sealed.reserveCapacity(blocks.count)
    for (block, isForFabric1) in blocks {
      lastConfig.note(block: block.assembled.header.number, sequence: configSequence)
      sealed.append(try seal(block, lastConfig, isForFabric1: isForFabric1))
    }
    for block in sealed {
      try BlockSeal.checkIsSigned(block, by: signer, channelID: store.channelID)
    }
    let next = try state(behind: sealed) { lastConfig, block in
      lastConfig.note(block: block.number, sequence: configSequence)
    }
    try await commit(sealed, next)
  }

  private func seal(
    _ block: MadeBlock, _ lastConfig: LastConfig, isForFabric1: Bool
  ) throws -> SealedBlock {
    let seal = try BlockSeal(
      lastConfig: lastConfig.block, consenterMetadata: block.consenterMetadata)
    let signature = try seal.sign(
      block.assembled, by: signer, as: .identity(nonce: Nonce.random()))
    return try seal.attach([signature], to: block.assembled, isForFabric1: isForFabric1)
  }

  /// Commits the next blocks as others sealed them, byte for byte. The caller has verified their
  /// signatures (`BlockVerifier`); this checks numbers, links, data hashes, and that they point
  /// to the configuration in force. All are durable and can be read when this returns, or nothing was written
  /// if one of them does not fit.
  ///
  /// - Parameter configSequence: Sequence of the configuration in force after the last of them.
  package func append(sealed blocks: [Block], configSequence: UInt64) async throws {
    let blocks = try verified(blocks)
    // What others sealed does not tell under which configuration, but a configuration is in the block that
    // holds one.
    let next = try state(behind: blocks) { lastConfig, block in
      let holdsConfig = block.block.configEnvelope != nil
      lastConfig = LastConfig(
        block: holdsConfig ? block.number : lastConfig.block, sequence: configSequence)
    }
    try await commit(blocks, next)
  }

  /// Checks that a block is the next one, without writing it.
  package func check(made block: MadeBlock) throws {
    var end = state.withLock { $0.end }
    try end.advance(
      over: block.assembled.header, hash: block.assembled.hash, channelID: store.channelID)
  }

  private func verified(_ blocks: [Block]) throws -> [SealedBlock] {
    try blocks.map { block in
      do throws(WrongDataHash) { return try SealedBlock(verifying: block) } catch {
        throw BlockError(channelID: store.channelID, reason: "\(error)")
      }
    }
  }

  /// Checks the invariants of the next blocks, whoever made them.
  ///
  /// - Parameter note: Takes a block into account that may hold a configuration.
  private func state(
    behind blocks: [SealedBlock], _ note: (inout LastConfig, SealedBlock) -> Void
  ) throws -> State {
    var next = state.withLock { $0 }
    for block in blocks {
      try next.end.advance(over: block.header, hash: block.hash, channelID: store.channelID)
      note(&next.lastConfig, block)
      try BlockSeal.checkLastConfig(
        of: block, is: next.lastConfig.block, channelID: store.channelID)
    }
    return next
  }

  /// Hands blocks to the ledger, after a check that ends this channel before anything is written.
  private func commit(_ blocks: [SealedBlock], _ next: State) async throws {
    // After a permanent failure, some of the blocks may be there: nothing goes on from here.
    let end = state.withLock { $0.end.height }
    guard store.height == end else {
      throw BlockError(
        channelID: store.channelID,
        reason: "the ledger has \(store.height) blocks where the chain ends behind \(end)")
    }
    let began = metrics.isRecording ? time.now : nil
    try await retry.run {
      // Of several blocks, some may have been added before it failed.
      let height = store.height
      try await store.append(blocks.filter { $0.number >= height })
    }
    // What the ledger has taken is what was handed to it.
    guard store.height == next.end.height, store.lastBlockHash == next.end.lastHash else {
      throw BlockError(
        channelID: store.channelID,
        reason: "the ledger has \(store.height) blocks, the last with the hash "
          + "[\(hexadecimal(store.lastBlockHash))], where the chain ends behind \(next.end.height) with "
          + "[\(hexadecimal(next.end.lastHash))]")
    }
    if let began { metrics.committed(blocks: blocks.count, in: began.duration(to: time.now)) }
    metrics.setHeight(next.end.height)
    state.withLock { $0 = next }
  }
}
