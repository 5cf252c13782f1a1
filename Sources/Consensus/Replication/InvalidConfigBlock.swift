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
    func fail(_ reason: String) -> InvalidConfigBlock {
      InvalidConfigBlock(description: "config block \(number): \(reason)")
    }
    guard block.header.number == number else { throw fail("it is block \(block.header.number)") }
    guard (try? AssembledBlock(verifying: block.header, data: block.data)) != nil else {
      throw fail("its data hash is wrong")
    }
    guard let envelope = block.configEnvelope else { throw fail("it holds no configuration") }
    guard envelope.channelID == bundle.channelID else {
      throw fail("it is of channel \(envelope.channelID)")
    }
    // A genesis block is not signed; this node has the channel's configuration, so it knows a later one or the same.
    if number == 0 { return }
    if let problem = BlockVerifier.checkSignatures(of: block, against: bundle).problem {
      throw fail(problem)
    }
  }
}
