// One channel of this node, as those see it who bring messages to it or read blocks from it.

import BlockLedger
import ChannelConfig
import FabricProtos
import MessageProcessing
import NIOCore
import Ordering

/// A channel that works: its validation, its ordering and its blocks.
public final class Channel: Sendable {
  private let support: ChainSupport
  /// Orders the channel's messages.
  public let chain: any Chain

  init(support: ChainSupport, consenter: any Consenter) throws {
    self.support = support
    let newest = try support.store.block(support.store.height - 1)
    chain = try consenter.makeChain(support: support, metadata: newest.consenterMetadata())
  }

  /// The channel's name.
  public var id: String { support.channelID }
  /// Validates the channel's messages.
  public var processor: any ChannelProcessor { support.processor }
  /// The configuration in force.
  public var bundle: ConfigBundle { support.bundle }
  /// The end of the chain, for readers.
  public var tip: TipSignal { support.tip }

  /// A block in protobuf wire form.
  ///
  /// - Parameter contentType: With `headerWithSig`, the data of a block that is no config block is
  ///   left out.
  /// - Throws: `LedgerError` if the block does not exist or cannot be read.
  public func block(
    _ number: UInt64, contentType: Orderer_SeekInfo.SeekContentType
  ) async throws -> ByteBuffer {
    guard contentType == .headerWithSig else {
      return try await support.store.serializedBlock(number)
    }
    var block = try support.store.block(number)
    if !block.isConfig { block.data = [] }
    return ByteBuffer(bytes: block.serialized())
  }
}

extension Block {
  /// Whether the block holds a CONFIG message, or one that creates a channel.
  var isConfig: Bool {
    guard data.count == 1, let envelope = try? EnvelopeView(data[0]) else { return false }
    return MessageClass(headerType: envelope.headerType) == .config
  }
}
