// What a regular record holds: which of Fabric's two ways of ordering its message takes.

import Blocks
import FabricProtos
import Ordering

enum RegularMessage {
  /// It was validated before it was ordered.
  case validated(OrderedMessage)
  /// It has to be validated now that it is ordered: it comes from an orderer before 1.1, or the channel does not
  /// re-submit messages.
  case unvalidated(OrderedMessage)
  /// It can never be in a block, for this reason.
  case unusable(String)

  /// - Parameters:
  ///   - offset: Where the record stands, for the reason.
  ///   - resubmission: Whether messages that were validated against an older configuration are ordered again.
  init(_ regular: KafkaRecord.Regular, offset: Int64, resubmission: Bool) {
    let envelope: EnvelopeView
    let hasHeader: Bool
    do {
      let bytes = try EnvelopeView.canonicalBytes(regular.payload)
      let view = try? EnvelopeView(bytes)
      hasHeader = view != nil
      envelope = try view ?? EnvelopeView(opaque: bytes)
    } catch {
      self = .unusable("record \(offset) holds no envelope: \(error)")
      return
    }
    func message(isConfig: Bool) -> OrderedMessage {
      OrderedMessage(
        envelope: envelope, configSequence: regular.configSequence, isConfig: isConfig)
    }
    if regular.messageClass == .unknown || !resubmission {
      guard hasHeader else {
        self = .unusable("record \(offset) holds an envelope without a header")
        return
      }
      let messageClass = MessageClass(envelope)
      if case .configUpdate = messageClass {
        self = .unusable("record \(offset) holds a config update, which is never ordered")
      } else {
        self = .unvalidated(message(isConfig: messageClass == .config))
      }
      return
    }
    switch regular.messageClass {
    case .normal: self = .validated(message(isConfig: false))
    case .config: self = .validated(message(isConfig: true))
    case .unknown, .other:
      self = .unusable("record \(offset) is of the unknown class \(regular.messageClass)")
    }
  }
}
