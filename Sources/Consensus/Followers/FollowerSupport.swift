// What a follower needs of the node.

import ChannelConfig
import FabricProtos
import Ordering

/// The node, as the follower of one of its channels sees it. Called by the follower's task alone.
package protocol FollowerSupport: Sendable {
  /// What this node has to do for the channel under a configuration.
  func role(in bundle: ConfigBundle) -> ConsensusRole
  /// A configuration is in force at the end of the blocks that are here.
  func configured(_ bundle: ConfigBundle)
  /// Deletes what the consenter kept while this node ordered the channel: the configuration has ceased to name the
  /// node, and would name it anew as another consenter.
  func forgetConsensus() async throws
  /// What the node is to the channel has changed.
  func participationChanged()
  /// Makes a chain in place of the follower, which has come to its end.
  func orderInstead() async
  /// The channel cannot go on before an operator has removed the cause.
  func fail(reason: String)
}

/// What a channel was joined with.
package struct JoinPoint: Sendable {
  package let header: BlockHeader
  /// All of it, if it is block 0 and so the first block of the ledger.
  package let genesis: Block?
  /// The configuration in it.
  package let bundle: ConfigBundle

  package init(_ block: Block, bundle: ConfigBundle) {
    header = block.header
    genesis = block.header.number == 0 ? block : nil
    self.bundle = bundle
  }

  package var number: UInt64 { header.number }
}
