// A message on its way into a block.

import FabricProtos

/// A message that passed the channel's filters and waits for its place in a block.
package struct OrderedMessage: Sendable {
  /// What becomes an entry of the block's data.
  package let envelope: EnvelopeView
  /// Sequence of the configuration that the message was validated against.
  package let configSequence: UInt64
  /// Whether the message carries a new configuration and so needs a block of its own.
  package let isConfig: Bool

  package init(envelope: EnvelopeView, configSequence: UInt64, isConfig: Bool) {
    self.envelope = envelope
    self.configSequence = configSequence
    self.isConfig = isConfig
  }

  /// Bytes that count towards a batch: payload plus signature (Fabric: `blockcutter`).
  package var size: Int { envelope.payload.count + envelope.signature.count }
}
