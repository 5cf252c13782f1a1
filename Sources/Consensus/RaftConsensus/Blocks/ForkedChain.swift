// What an operator is told when a node's blocks and those of its group are not one chain.

import BlockLedger
import Blocks
import FabricCrypto
import Ordering

/// The reasons for which a channel halts since its chain has forked: both hashes, both heights, and what to do.
enum ForkedChain {
  /// A block stands in the log that differs from the one in the ledger.
  static func inLog(
    channelID: String, number: UInt64, ledger: [UInt8], log: [UInt8], index: UInt64
  ) -> ChannelFault {
    ChannelFault(
      """
      block \(number) has the hash \(hexadecimal(ledger)) in the ledger and \(hexadecimal(log)) in entry \(index) of \
      the Raft log: \(remedy(channelID))
      """)
  }

  /// A block stands in the log that does not follow on the ledger.
  static func behind(
    _ end: ChainEnd, block: AssembledBlock, index: UInt64, channelID: String
  ) -> ChannelFault {
    ChannelFault(
      """
      the ledger has \(end.height) blocks, the newest with the hash \(hexadecimal(end.lastHash)), and entry \(index) of \
      the Raft log holds block \(block.header.number) with the hash \(hexadecimal(block.hash)), which follows on a \
      block with the hash \(hexadecimal(block.header.previousHash)): \(remedy(channelID))
      """)
  }

  /// What other orderers have does not follow on the ledger.
  static func amongOthers(_ end: ChainEnd, reason: String, channelID: String) -> ChannelFault {
    ChannelFault(
      """
      the ledger has \(end.height) blocks, the newest with the hash \(hexadecimal(end.lastHash)), on which the blocks of \
      other orderers do not follow (\(reason)): \(remedy(channelID))
      """)
  }

  private static func remedy(_ channelID: String) -> String {
    """
    one of them was changed, or restored from a backup of another age. Compare `orderer ledger info \(channelID)` of all \
    nodes. If this node is wrong, remove the channel from it (osnadmin channel remove), remove this consenter from the \
    channel, add it again and join; if its blocks are the right ones and no majority has them, see \
    `orderer raft recover \(channelID)`
    """
  }
}
