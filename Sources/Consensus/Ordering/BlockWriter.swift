// Makes blocks out of batches: links, hashes, signs, and has the ledger store them.

import BlockLedger
import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import Membership
import Synchronization

/// A message could not become a block.
package struct BlockWriterError: Error, CustomStringConvertible {
  package let channelID: String
  package let reason: String

  package init(channelID: String, reason: String) {
    self.channelID = channelID
    self.reason = reason
  }

  package var description: String { "channel \(channelID): \(reason)" }
}

/// The end of one chain.
///
/// Only the task of the channel's chain writes; a second write must not begin before the first one
/// has returned. Bytes are Fabric's (`multichannel/blockwriter`): peers verify them.
package final class BlockWriter: Sendable {
  private struct State {
    var last: BlockHeader
    var lastConfigBlock: UInt64
    var lastConfigSequence: UInt64
  }

  private let state: Mutex<State>
  private let store: any BlockStore
  private let signer: any Signer
  private let retry: LedgerRetry
  private let metrics: ChannelMetrics
  /// Bytes from the system's random source make each signature header unique.
  private let nonceSize = 24

  /// Continues the chain of a store that has at least one block.
  ///
  /// - Parameters:
  ///   - configSequence: Sequence of the configuration in force at the store's newest block.
  ///   - retry: Decides what becomes of writes that fail.
  ///   - metrics: Is told of every commit.
  package init(
    store: any BlockStore, signer: any Signer, configSequence: UInt64, retry: LedgerRetry,
    metrics: ChannelMetrics = .disabled
  ) throws {
    let height = store.height
    guard height > 0 else {
      throw BlockWriterError(channelID: store.channelID, reason: "the ledger holds no block")
    }
    let last = try store.block(height - 1)
    state = Mutex(
      State(
        last: last.header, lastConfigBlock: try last.lastConfigIndex(),
        lastConfigSequence: configSequence))
    self.store = store
    self.signer = signer
    self.retry = retry
    self.metrics = metrics
    metrics.setHeight(height)
  }

  /// What one block is made of.
  package struct Content: Sendable {
    /// Serialized envelopes.
    package var entries: [[UInt8]]
    /// Goes into the signed part of the metadata; nil for none.
    package var consenterMetadata: [UInt8]?
    /// Whether the consenter's metadata also goes into the entry where Fabric 1.x looks for it, and
    /// which Fabric 2.x leaves empty.
    package var isForFabric1: Bool

    package init(entries: [[UInt8]], consenterMetadata: [UInt8]?, isForFabric1: Bool = true) {
      self.entries = entries
      self.consenterMetadata = consenterMetadata
      self.isForFabric1 = isForFabric1
    }
  }

  /// Appends the next block. It is durable and can be read when this returns.
  ///
  /// - Parameters:
  ///   - entries: Serialized envelopes.
  ///   - configSequence: Sequence of the configuration in force, which for a config block is the new one.
  ///   - consenterMetadata: See ``Content/consenterMetadata``.
  package func write(
    _ entries: [[UInt8]], configSequence: UInt64, consenterMetadata: [UInt8]?
  ) async throws {
    try await write(
      [Content(entries: entries, consenterMetadata: consenterMetadata)],
      configSequence: configSequence)
  }

  /// Appends the next blocks, which share one synchronization. All are durable and can be read when
  /// this returns. While the ledger cannot take them for a reason that may pass, this keeps trying.
  package func write(_ contents: [Content], configSequence: UInt64) async throws {
    var next = state.withLock { $0 }
    var blocks: [Block] = []
    blocks.reserveCapacity(contents.count)
    for content in contents {
      blocks.append(try makeBlock(content, configSequence: configSequence, after: &next))
    }
    let made = blocks
    let began = metrics.isRecording ? ContinuousClock.now : nil
    try await retry.run {
      // Of several blocks, some may have been added before it failed.
      let height = store.height
      try await store.append(made.filter { $0.header.number >= height })
    }
    if let began { metrics.committed(blocks: made.count, in: began.duration(to: .now)) }
    let written = next
    metrics.setHeight(written.last.number + 1)
    state.withLock { $0 = written }
  }

  private func makeBlock(
    _ content: Content, configSequence: UInt64, after next: inout State
  ) throws -> Block {
    var hasher = SHA256Hasher()
    for entry in content.entries { hasher.update(entry) }
    next.last = BlockHeader(
      number: next.last.number + 1, previousHash: SHA256Digest.hash(next.last.derBytes()),
      dataHash: hasher.finalize())
    if configSequence > next.lastConfigSequence {
      next.lastConfigSequence = configSequence
      next.lastConfigBlock = next.last.number
    }
    let metadata = try BlockMetadata.entries(
      header: next.last, lastConfigBlock: next.lastConfigBlock,
      consenterMetadata: content.consenterMetadata, isForFabric1: content.isForFabric1,
      signer: signer, nonce: randomBytes(nonceSize))
    return Block(header: next.last, data: content.entries, metadata: metadata)
  }
}

/// Layout of the metadata entries of an orderer's block (`common.BlockMetadataIndex`).
package enum BlockMetadata {
  /// Entries of every block.
  package static let count = 5

  /// The entries of a signed block.
  package static func entries(
    header: BlockHeader, lastConfigBlock: UInt64, consenterMetadata: [UInt8]?,
    isForFabric1: Bool = true, signer: any Signer, nonce: [UInt8]
  ) throws -> [[UInt8]] {
    var lastConfig = Common_LastConfig()
    lastConfig.index = lastConfigBlock
    var consenter = Common_Metadata()
    consenter.value = Data(consenterMetadata ?? [])
    let consenterEntry = try consenter.serializedData()

    var signedPart = Common_OrdererBlockMetadata()
    signedPart.lastConfig = lastConfig
    signedPart.consenterMetadata = consenterEntry
    let value: [UInt8] = try signedPart.serializedBytes()
    var signatureHeader = Common_SignatureHeader()
    signatureHeader.creator = Data(signer.serializedIdentity)
    signatureHeader.nonce = Data(nonce)
    let headerBytes: [UInt8] = try signatureHeader.serializedBytes()
    var signature = Common_MetadataSignature()
    signature.signatureHeader = Data(headerBytes)
    signature.signature = Data(
      try signer.sign([value[...], headerBytes[...], header.derBytes()[...]]))
    var signatures = Common_Metadata()
    signatures.value = Data(value)
    signatures.signatures = [signature]
    var configEntry = Common_Metadata()
    configEntry.value = try lastConfig.serializedData()

    var entries = [[UInt8]](repeating: [], count: count)
    entries[Common_BlockMetadataIndex.signatures.rawValue] = try signatures.serializedBytes()
    entries[Common_BlockMetadataIndex.lastConfig.rawValue] = try configEntry.serializedBytes()
    if consenterMetadata != nil, isForFabric1 {
      entries[Common_BlockMetadataIndex.orderer.rawValue] = [UInt8](consenterEntry)
    }
    return entries
  }
}

extension Block {
  /// Number of the newest config block as of this one.
  ///
  /// It stands in the signed metadata since Fabric 1.4.1, and in an entry of its own in all versions;
  /// a genesis block may have neither and is its own config block.
  ///
  /// - Throws: ``BlockWriterError`` if the block is not a genesis block and tells no number.
  package func lastConfigIndex() throws -> UInt64 {
    if header.number == 0 { return 0 }
    if let signed = try? signedOrdererMetadata(), signed.hasLastConfig {
      return signed.lastConfig.index
    }
    // Block 0 serializes to nothing. Before Fabric 1.4.1 that is all a block has to say until the first
    // update of the config.
    guard let entry = metadataEntry(.lastConfig),
      let lastConfig = try? Common_LastConfig(serializedBytes: entry.value)
    else {
      throw BlockWriterError(
        channelID: "", reason: "block \(header.number) does not tell its last config block")
    }
    return lastConfig.index
  }

  /// The consenter's metadata in this block; empty if there is none.
  package func consenterMetadata() -> [UInt8] {
    if let signed = try? signedOrdererMetadata(), !signed.consenterMetadata.isEmpty,
      let entry = try? Common_Metadata(serializedBytes: signed.consenterMetadata)
    {
      return [UInt8](entry.value)
    }
    return [UInt8](metadataEntry(.orderer)?.value ?? Data())
  }

  private func signedOrdererMetadata() throws -> Common_OrdererBlockMetadata? {
    guard let entry = metadataEntry(.signatures), !entry.value.isEmpty else { return nil }
    return try Common_OrdererBlockMetadata(serializedBytes: entry.value)
  }

  private func metadataEntry(_ index: Common_BlockMetadataIndex) -> Common_Metadata? {
    guard metadata.indices.contains(index.rawValue) else { return nil }
    return try? Common_Metadata(serializedBytes: metadata[index.rawValue])
  }
}
