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

  /// - Parameter config: Of the configuration in force.
  /// - Throws: ``UnusableBlockMetadata``
  init(_ block: Block, config: RaftConfig) throws(UnusableBlockMetadata) {
    let bytes = block.consenterMetadata()
    end = ChainEnd(after: block.header)
    hasMetadata = !bytes.isEmpty
    metadata =
      bytes.isEmpty
      ? RaftBlockMetadata(consenterCount: config.consenters.count)
      : try RaftBlockMetadata(serialized: bytes)
    consenters = try ConsenterSet(config.consenters, metadata: metadata)
  }
}
