// A block as it stands in the Raft log.

import BlockLedger
import Blocks
import FabricProtos
import Ordering

/// The data of a Raft entry: one whole `common.Block`.
///
/// Its metadata are exactly five empty slots. Nodes of Fabric write into these slots without looking at
/// their number: fewer than three, or some that do not parse, and every one of them dies at this entry
/// again and again; another number, and nodes store different blocks.
package enum EntryBlock {
  /// Lays out an assembled block, once: these bytes go to the log and to other nodes as they are.
  package static func serialized(_ block: AssembledBlock) -> [UInt8] {
    Block(header: block.header, data: block.data, metadata: BlockMetadata.empty).serialized()
  }

  /// Lays out a block of the ledger as it stood in its entry.
  package static func serialized(_ block: Block) -> [UInt8] {
    Block(header: block.header, data: block.data, metadata: BlockMetadata.empty).serialized()
  }

  /// Checks that the block of an entry follows on the chain: its number, the hash of the block before it, and
  /// the hash of its data.
  ///
  /// - Throws: `ChannelFault` if it does not: the channel must not go on with it.
  package static func assembled(
    _ block: Block, following end: ChainEnd, index: UInt64, channelID: String
  ) throws(ChannelFault) -> AssembledBlock {
    let assembled: AssembledBlock
    do { assembled = try AssembledBlock(verifying: block.header, data: block.data) } catch {
      throw ChannelFault(
        """
        the block in entry \(index) of the Raft log is damaged: \(error). Look at the disk, and compare with other \
        nodes: `orderer raft verify \(channelID)`
        """)
    }
    let next = end
    do {
      var end = next
      try end.advance(over: assembled.header, hash: assembled.hash, channelID: channelID)
      return assembled
    } catch {
      throw ForkedChain.behind(end, block: assembled, index: index, channelID: channelID)
    }
  }

  /// Reads an entry's data.
  ///
  /// - Returns: The block. Whatever is in its metadata, each node writes its own.
  /// - Throws: `ChannelFault` if they are no block.
  package static func block(in bytes: [UInt8], index: UInt64) throws(ChannelFault) -> Block {
    do { return try Block(serialized: bytes) } catch {
      throw ChannelFault("entry \(index) of the Raft log holds no block: \(error)")
    }
  }
}
