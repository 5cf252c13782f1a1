// Decides what to do with a message that a client broadcasts, without doing any of it.

import Blocks
import FabricProtos
import MessageProcessing
import Multichannel
import Ordering

/// A message whose channel is known, and not validated yet.
struct BroadcastSubmission {
  let envelope: EnvelopeView
  /// The channel that processes it: the one it names, or the system channel if it creates that one.
  let channel: Channel
  let messageClass: MessageClass
}

/// Why a message is not ordered, as its client is told.
struct BroadcastRefusal: Error, Equatable {
  /// The channel that the message names; nil if that cannot be found out.
  var channelID: String?
  /// The message's header type; nil if that cannot be found out.
  var headerType: Int32?
  let status: Common_Status
  let reason: String
}

/// What ends a Broadcast stream.
enum BroadcastEnd: Error, Equatable {
  /// The message is refused, with an answer.
  case refused(BroadcastRefusal)
  /// The message is not an envelope: the stream breaks without an answer (Fabric: the error of
  /// gRPC's codec).
  case malformed
}

/// The decisions of Broadcast about one message.
struct BroadcastIntake {
  let registrar: Registrar

  /// Finds out which channel a message is for, and how that has to process it.
  func identify(_ message: [UInt8]) throws(BroadcastEnd) -> BroadcastSubmission {
    let envelope: EnvelopeView
    do {
      envelope = try EnvelopeView(message)
    } catch .malformed("envelope") {
      throw .malformed
    } catch {
      throw .refused(
        BroadcastRefusal(
          status: .badRequest, reason: "could not determine channel ID: \(error)"))
    }
    do {
      let channel = try registrar.broadcastChannel(for: envelope)
      return BroadcastSubmission(
        envelope: envelope, channel: channel,
        messageClass: channel.processor.classify(envelope))
    } catch { throw Self.refusal(of: envelope, for: error) }
  }

  /// Checks a message against its channel's configuration.
  ///
  /// - Returns: what to order: the message, or what an update makes of the configuration.
  func validate(_ submission: BroadcastSubmission) throws(BroadcastEnd) -> OrderedMessage {
    let envelope = submission.envelope
    let processor = submission.channel.processor
    do {
      switch submission.messageClass {
      case .normal:
        let sequence = try processor.processNormal(envelope)
        return OrderedMessage(envelope: envelope, configSequence: sequence, isConfig: false)
      case .configUpdate:
        let (config, sequence) = try processor.processConfigUpdate(envelope)
        return OrderedMessage(
          envelope: try EnvelopeView(config), configSequence: sequence, isConfig: true)
      case .config:
        throw ProcessingError.badRequest("message is of type that cannot be processed directly")
      }
    } catch { throw Self.refusal(of: envelope, for: error) }
  }

  /// The status that a client gets for an error: errors that it can fix are its fault, unforeseen
  /// ones are this node's.
  static func refusal(of envelope: EnvelopeView, for error: any Error) -> BroadcastEnd {
    let (status, reason): (Common_Status, String) =
      switch error {
      case let error as ProcessingError: (error.status, error.reason)
      case let error as ChannelUnavailable: (.serviceUnavailable, "\(error)")
      default: (.internalServerError, "\(error)")
      }
    return .refused(
      BroadcastRefusal(
        channelID: envelope.channelID, headerType: envelope.headerType, status: status,
        reason: reason))
  }
}
