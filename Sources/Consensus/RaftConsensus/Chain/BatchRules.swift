// What the configuration in force says about batches.

import ChannelConfig
import Ordering

/// The part of a channel's configuration that is asked for with each message, read once for each configuration.
struct BatchRules: Sendable {
  /// Of the configuration.
  let sequence: UInt64
  let limits: BatchLimits
  /// How long a message waits at most until its batch is cut.
  let timeout: Duration

  init(_ bundle: ConfigBundle) throws(ChannelFault) {
    let orderer = try bundle.requiredOrderer(orThrow: ChannelFault.init)
    sequence = bundle.sequence
    limits = BatchLimits(orderer.batchSize)
    timeout = orderer.batchTimeout
  }
}
