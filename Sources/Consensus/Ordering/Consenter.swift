// An ordering protocol, as the rest of the node sees it.

import ChannelConfig
import FabricProtos

/// An ordering protocol, e.g. solo. It makes one ``Chain`` for each channel.
package protocol Consenter: Sendable {
  /// What this node has to do for a channel whose configuration is `bundle`.
  func role(in bundle: ConfigBundle) -> ConsensusRole

  /// Makes the chain of a channel for which this node is a consenter. The chain does nothing until it is
  /// started.
  ///
  /// - Parameter newestBlock: The channel's newest block. What the consenter wrote into its metadata
  ///   tells where to go on.
  func makeChain(support: any ConsenterSupport, newestBlock: Block) throws -> any Chain

  /// Checks what a config update makes of the consensus metadata, after all general rules have accepted
  /// the update (Fabric: `consensus.MetadataValidator`).
  ///
  /// The consenter that orders the channel now is asked, also if the update changes the consensus type.
  ///
  /// - Throws: why the update must be refused.
  func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal)
}

/// What a node has to do for a channel.
package enum ConsensusRole: Sendable {
  /// It orders the channel's messages, alone or with others.
  case consenter
  /// It keeps the blocks that others order.
  case follower
  /// Nothing: this consenter does not order channels of that consensus type.
  case neither
}

/// The step from one orderer configuration to the next.
package struct ConsensusChange: Sendable {
  /// The channel that has the configuration ``current``.
  package let channelID: String
  /// The orderer group in force; that of the system channel when a channel is created.
  package let current: OrdererGroupConfig
  /// The orderer group proposed.
  package let next: OrdererGroupConfig
  /// Whether ``next`` belongs to a channel that does not exist yet.
  package let isNewChannel: Bool

  package init(
    channelID: String, current: OrdererGroupConfig, next: OrdererGroupConfig, isNewChannel: Bool
  ) {
    self.channelID = channelID
    self.current = current
    self.next = next
    self.isNewChannel = isNewChannel
  }
}

/// Why a change of consensus metadata must be refused, in words for the client that proposed it.
package struct ConsensusChangeRefusal: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}
