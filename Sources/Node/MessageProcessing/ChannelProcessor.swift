// What a channel offers to those who receive messages for it: classification and validation.

import FabricProtos

/// How a message is to be processed, as its header type tells.
package enum MessageClass: Sendable, Hashable {
  /// Any message that does not change a config; for ``ChannelProcessor/processNormal(_:)``.
  case normal
  /// A CONFIG_UPDATE; for ``ChannelProcessor/processConfigUpdate(_:)``.
  case configUpdate
  /// A CONFIG or an ORDERER_TRANSACTION. Only orderers make these: Broadcast refuses them, and
  /// ``ChannelProcessor/processConfig(_:)`` validates again one that was ordered too late.
  case config

  /// The class of a header type; unknown types are normal messages (Fabric:
  /// `msgprocessor.StandardChannel.ClassifyMsg`).
  package init(headerType: Int32) {
    switch Int(headerType) {
    case Common_HeaderType.configUpdate.rawValue: self = .configUpdate
    case Common_HeaderType.config.rawValue, Common_HeaderType.ordererTransaction.rawValue:
      self = .config
    default: self = .normal
    }
  }
}

/// Validates the messages of one channel against the channel's current config.
///
/// Every method takes the current config once, at its start, and returns that config's sequence
/// number. If a newer one is in force when the message is about to enter a block, the message has to be
/// processed again.
///
/// The methods do not suspend and may run on any number of threads at once.
package protocol ChannelProcessor: Sendable {
  /// Which of the other methods a message with this header type is for.
  func classify(_ headerType: Int32) -> MessageClass

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
  package func classify(_ headerType: Int32) -> MessageClass {
    MessageClass(headerType: headerType)
  }
}
