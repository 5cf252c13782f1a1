// Where a node gets blocks from that other nodes have made.

import ChannelConfig
import FabricProtos

/// The blocks of channels, as other orderers have them (Fabric: `cluster.BlockPuller`).
package protocol BlockSource: Sendable {
  /// Pulls the blocks from `first` on, and hands them over in order, in runs. Numbers, links, data hashes and
  /// signatures of a run have been verified; the configurations within it have been followed.
  ///
  /// - Parameters:
  ///   - last: The last block to pull; this goes on until it is here. Nil: those that others have now.
  ///   - bundle: The configuration in force before `first`: it tells who has blocks, and who must have signed them.
  ///   - previousHash: The hash of the header of the block before `first`; empty for block 0.
  ///   - take: Commits a run. Whatever it throws ends the pull, and is thrown on.
  /// - Throws: ``PullFailure``; `CancellationError` once the task is cancelled.
  func pull(
    _ channelID: String, from first: UInt64, through last: UInt64?, under bundle: ConfigBundle,
    previousHash: [UInt8], take: @Sendable (_ run: [Block]) async throws -> Void
  ) async throws

  /// The newest config block that others have of a channel. Its signatures have been verified against `bundle`,
  /// as far as that configuration can tell.
  ///
  /// - Throws: ``PullFailure``; `CancellationError` once the task is cancelled.
  func newestConfigBlock(of channelID: String, under bundle: ConfigBundle) async throws -> Block
}

/// Why blocks could not be pulled.
package enum PullFailure: Error, Equatable, CustomStringConvertible {
  /// Every orderer that answered refuses to give this node blocks.
  case forbidden
  /// Nobody has them now.
  case unavailable(String)
  /// What came is not the chain that the configuration vouches for.
  case invalid(String)

  package var description: String {
    switch self {
    case .forbidden: "every orderer that could be reached refuses to send its blocks to this node"
    case .unavailable(let reason): "no orderer sends the blocks: \(reason)"
    case .invalid(let reason): "the blocks of other orderers are not valid: \(reason)"
    }
  }
}
