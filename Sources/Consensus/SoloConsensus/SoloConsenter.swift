// Makes the chains of channels whose consensus type is "solo".

import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Ordering

/// The solo consenter of a node: each node orders for itself.
package struct SoloConsenter: Consenter {
  /// The consensus type in a channel's configuration.
  package static let type = "solo"

  private let time: any TimeSource
  private let logger: Logger

  /// - Parameter time: The clock of the batch time-outs.
  package init(time: any TimeSource, logger: Logger) {
    self.time = time
    self.logger = logger
  }

  /// Every node that has the channel orders it.
  package func role(in bundle: ConfigBundle) -> ConsensusRole {
    bundle.orderer?.consensusType == Self.type ? .consenter : .neither
  }

  package func makeChain(
    support: any ConsenterSupport, newestBlock: Block
  ) throws -> any Chain {
    SoloChain(support: support, time: time, logger: logger)
  }

  /// Accepts every change: solo has no metadata. The rules of the migration check the metadata of
  /// the type that a channel migrates to.
  package func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {}
}
