// Where a chain goes on: the newest block of its channel, as far as Raft needs it.

import Blocks
import FabricProtos
import RaftCore

/// What the newest block of a channel says.
struct NewestBlock: Sendable {
  /// Behind the block.
  let end: ChainEnd
  /// The consenters as of the block, under their ids.
  let consenters: ConsenterSet
  /// The block's consenter metadata; what holds before the first Raft block if it has none.
  let metadata: RaftBlockMetadata
  /// Whether it has any. A channel that has blocks and none comes from another consensus type.
  let hasMetadata: Bool
  /// Whether this node has sealed it, and did not get it while it followed the channel.
  let isOwn: Bool
  /// The same, and known for sure.
  let isSurelyOwn: Bool

  /// - Parameters:
  ///   - config: Of the configuration in force.
  ///   - identity: With which this node signs; nil: every block is its own.
  /// - Throws: ``UnusableBlockMetadata``
  init(
    _ block: Block, config: RaftConfig, identity: [UInt8]?
  ) throws(UnusableBlockMetadata) {
    let bytes = block.consenterMetadata()
    end = ChainEnd(after: block.header)
    hasMetadata = !bytes.isEmpty
    let isSealed = identity.map { Self.creators(of: block).contains($0) }
    isOwn = isSealed ?? true
    isSurelyOwn = isSealed ?? false
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
