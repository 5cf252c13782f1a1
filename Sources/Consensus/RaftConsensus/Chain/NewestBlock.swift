// Where a chain goes on: the newest block of its channel, as far as Raft needs it.

import Blocks
import FabricProtos
import RaftCore

/// What the newest block of a channel says.
package struct NewestBlock: Sendable {
  /// Behind the block.
  package let end: ChainEnd
  /// The consenters as of the block, under their ids.
  package let consenters: ConsenterSet
  /// The block's consenter metadata; what holds before the first Raft block if it has none.
  package let metadata: RaftBlockMetadata
  /// Whether it has any. A channel that has blocks and none comes from another consensus type.
  package let hasMetadata: Bool
  /// Whether this node has sealed it, and did not get it while it followed the channel.
  package let isOwn: Bool
  /// The same, and known for sure.
  package let isSurelyOwn: Bool

  /// - Parameters:
  ///   - config: Of the configuration in force.
  ///   - identity: With which this node signs; nil: every block is its own.
  /// - Throws: ``UnusableBlockMetadata``
  package init(
    _ block: Block, config: RaftConfig, identity: [UInt8]?
  ) throws(UnusableBlockMetadata) {
    let isSealed = identity.map { Self.creators(of: block).contains($0) }
    try self.init(
      block, config: config, isOwn: isSealed ?? true, isSurelyOwn: isSealed ?? false)
  }

  /// - Parameters:
  ///   - isOwn: Whether this node has sealed it, as far as that is known.
  ///   - isSurelyOwn: The same, and known for sure.
  /// - Throws: ``UnusableBlockMetadata``
  package init(
    _ block: Block, config: RaftConfig, isOwn: Bool, isSurelyOwn: Bool
  ) throws(UnusableBlockMetadata) {
    let bytes = block.consenterMetadata()
    end = ChainEnd(after: block.header)
    hasMetadata = !bytes.isEmpty
    self.isOwn = isOwn
    self.isSurelyOwn = isSurelyOwn
    metadata =
      bytes.isEmpty
      ? RaftBlockMetadata(consenterCount: config.consenters.count)
      : try RaftBlockMetadata(serialized: bytes)
    consenters = try ConsenterSet(config.consenters, metadata: metadata)
  }

  private static func creators(of block: Block) -> [[UInt8]] {
    (block.signatures?.signatures ?? []).compactMap {
      (try? Common_SignatureHeader(serializedBytes: $0.signatureHeader)).map { Array($0.creator) }
    }
  }
}
