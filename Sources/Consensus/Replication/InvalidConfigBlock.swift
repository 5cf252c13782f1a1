// Whether a block that somebody sends is a config block of a channel.

import BlockLedger
import Blocks
import ChannelConfig
import FabricProtos

/// What is wrong with a block that should be a config block.
struct InvalidConfigBlock: Error, CustomStringConvertible {
  let description: String

  /// Checks a config block that stands for itself: nothing that leads to it is known.
  ///
  /// - Parameter bundle: A configuration of the channel, whose orderers must have signed the block.
  static func check(
    _ block: Block, is number: UInt64, under bundle: ConfigBundle
  ) throws(InvalidConfigBlock) {
    try checkForm(of: block, is: number, in: bundle.channelID)
    // A genesis block is not signed; this node has the channel's configuration, so it knows a later one or the same.
    if number == 0 { return }
    if let problem = BlockVerifier.checkSignatures(of: block, against: bundle).problem {
      throw failure(number, problem)
    }
  }

  /// Checks all but the signatures.
  static func checkForm(
    of block: Block, is number: UInt64, in channelID: String
  ) throws(InvalidConfigBlock) {
    guard block.header.number == number else {
      throw failure(number, "it is block \(block.header.number)")
    }
    guard (try? AssembledBlock(verifying: block.header, data: block.data)) != nil else {
      throw failure(number, "its data hash is wrong")
    }
    guard let envelope = block.configEnvelope else {
      throw failure(number, "it holds no configuration")
    }
    guard envelope.channelID == channelID else {
      throw failure(number, "it is of channel \(envelope.channelID)")
    }
  }

  private static func failure(_ number: UInt64, _ reason: String) -> InvalidConfigBlock {
    InvalidConfigBlock(description: "config block \(number): \(reason)")
  }
}
