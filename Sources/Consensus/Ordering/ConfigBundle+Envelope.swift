// The configuration that a config block brings.

import ChannelConfig
import FabricProtos

extension ConfigBundle {
  /// The configuration in a CONFIG message that others have ordered behind this one.
  ///
  /// - Throws: why it cannot take the place of this one, or cannot be followed by this node: a newer node may have
  ///   accepted capabilities that this one lacks. Halting the channel here lets the node go on with it once
  ///   it is updated.
  package func successor(in envelope: EnvelopeView) throws -> ConfigBundle {
    let config = try Common_ConfigEnvelope(serializedBytes: Array(envelope.data))
    try validate(config)
    let next = try ConfigBundle(channelID: envelope.channelID, config: config.config)
    guard next.channelID == channelID else {
      throw ChannelFault("the configuration is of channel \(next.channelID)")
    }
    try next.checkCapabilitiesSupported()
    try validateNext(next)
    return next
  }
}
