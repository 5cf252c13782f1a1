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

  /// Of one that a node hands on to the leader; nil if it does not say.
  package let origin: SubmissionOrigin?

  package init(
    envelope: EnvelopeView, configSequence: UInt64, isConfig: Bool, origin: SubmissionOrigin? = nil
  ) {
    self.envelope = envelope
    self.configSequence = configSequence
    self.isConfig = isConfig
    self.origin = origin
  }

  /// The same message on its way to the leader.
  package func handed(on origin: SubmissionOrigin) -> OrderedMessage {
    OrderedMessage(
      envelope: envelope, configSequence: configSequence, isConfig: isConfig, origin: origin)
  }

  /// Bytes that count towards a batch: payload plus signature (Fabric: `blockcutter`).
  package var size: Int { envelope.payload.count + envelope.signature.count }
}
