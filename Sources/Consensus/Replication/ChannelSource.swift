// What a follower needs beyond the door of the consenters: blocks from the very first on, and heights.

import ChannelConfig
import FabricProtos
import Ordering

/// Where the blocks of followed channels come from.
package protocol ChannelSource: BlockSource {
  /// Pulls blocks as `BlockSource.pull` does.
  ///
  /// - Parameters:
  ///   - trust: The end of the chain that is here.
  ///   - last: The last block to pull.
  ///   - endpoints: Whom to ask.
  ///   - take: Commits a run. Whatever it throws ends the pull, and is thrown on.
  /// - Throws: `PullFailure`; `CancellationError` once the task is cancelled.
  func pull(
    behind trust: ChainTrust, through last: UInt64, from endpoints: EndpointChoice,
    take: @Sendable (_ run: [Block]) async throws -> Void
  ) async throws

  /// How many blocks the orderers of a channel have, at most.
  ///
  /// - Parameter bundle: The configuration in force, which names them.
  /// - Throws: `PullFailure`; `CancellationError` once the task is cancelled.
  func height(of channelID: String, under bundle: ConfigBundle) async throws -> UInt64

  /// What an orderer says of a channel that this node does not follow: its newest config block and its height. Nobody
  /// has verified that, so it is good for finding out whether a pull is worth it, and for nothing else.
  ///
  /// - Parameter bundle: The configuration that names whom to ask, which may be another channel's.
  /// - Throws: `PullFailure`; `CancellationError` once the task is cancelled.
  func claim(about channelID: String, under bundle: ConfigBundle) async throws -> ChannelClaim
}

/// What an orderer says of a channel, without a proof.
package struct ChannelClaim: Sendable {
  package let configBlock: Block
  /// Blocks that it has.
  package let height: UInt64

  package init(configBlock: Block, height: UInt64) {
    self.configBlock = configBlock
    self.height = height
  }
}
