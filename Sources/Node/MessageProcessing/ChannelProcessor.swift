// What a channel offers to those who receive messages for it: classification and validation.

import Blocks
import FabricProtos

/// Validates the messages of one channel against the channel's current config.
///
/// Every method takes the current config once, at its start, and returns that config's sequence
/// number. If a newer one is in force when the message is about to enter a block, the message has to be
/// processed again.
///
/// The methods do not suspend and may run on any number of threads at once.
package protocol ChannelProcessor: Sendable {
  /// Which of the other methods a message is for: ``processNormal(_:)``, ``processConfigUpdate(_:)``, or
  /// ``processConfig(_:)``, which Broadcast does not call.
  func classify(_ envelope: EnvelopeView) -> MessageClass

  /// Checks a message that does not change the config.
  ///
  /// - Returns: the config sequence it was checked against.
  func processNormal(_ envelope: EnvelopeView) throws(ProcessingError) -> UInt64

  /// Applies a CONFIG_UPDATE to the current config.
  ///
  /// - Returns: the message to order instead of the update, a serialized envelope that this node has
  ///   signed, and the config sequence that it was computed from.
  func processConfigUpdate(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)

  /// Takes a CONFIG or an ORDERER_TRANSACTION that some orderer made from an older config, and
  /// makes it anew from the update within it.
  ///
  /// - Returns: as ``processConfigUpdate(_:)``.
  func processConfig(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)
}

extension ChannelProcessor {
  package func classify(_ envelope: EnvelopeView) -> MessageClass { MessageClass(envelope) }
}
