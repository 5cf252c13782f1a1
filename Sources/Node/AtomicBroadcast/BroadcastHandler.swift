// Takes transactions from clients: validates each, hands it to its channel's chain, and answers.

import FabricProtos
import Logging
import MessageProcessing
import Metrics
import Multichannel
import Ordering

import struct NIOCore.ByteBuffer

/// The server side of `AtomicBroadcast.Broadcast`, free of any transport.
///
/// Messages of one stream are validated and ordered in the order in which they came. What arrived
/// together is validated one by one, but handed to the chain and answered together. The first refusal
/// ends the stream, after its answer (Fabric: `orderer/common/broadcast`).
package struct BroadcastHandler: Sendable {
  private let registrar: Registrar
  private let metrics: BroadcastMetrics?
  private let logger: Logger

  package init(
    registrar: Registrar, metrics: any MetricsFactory = NOOPMetricsHandler.instance, logger: Logger
  ) {
    self.registrar = registrar
    self.metrics = BroadcastMetrics(metrics)
    self.logger = logger
  }

  /// Serves one stream to its end.
  ///
  /// - Throws: What the stream throws if it breaks, ``StreamFailure/malformedEnvelope``.
  package func handle(_ stream: some ClientStream) async throws {
    logger.debug("Starting new broadcast loop for \(stream.remoteAddress)")
    var turn = Turn(client: stream.remoteAddress, recorder: BroadcastRecorder(metrics))
    while let messages = try await stream.nextMessages() {
      turn.recorder.begin()
      for message in messages {
        guard await take(message, in: &turn) else { break }
      }
      if turn.refusal == nil { await order(&turn) }
      try await stream.send(turn.responses)
      if turn.malformed { throw StreamFailure.malformedEnvelope }
      if turn.refusal != nil { return }
      turn.end()
    }
    logger.debug("Received EOF from \(stream.remoteAddress), hangup")
  }

  /// The messages that arrived together, and how far they have come.
  private struct Turn {
    let client: String
    /// Answers to the messages so far, in order.
    var responses: [ByteBuffer] = []
    /// Validated messages that the chain of `channel` has not got yet.
    var waiting: [OrderedMessage] = []
    var channel: Channel?
    /// The channel that the waiting messages name, which is not ``channel`` if they create it.
    var channelID = ""
    /// The status that ended the turn.
    var refusal: Common_Status?
    var malformed = false
    var recorder: BroadcastRecorder

    init(client: String, recorder: BroadcastRecorder) {
      self.client = client
      self.recorder = recorder
    }

    /// Lets go of what is not needed while the stream waits for its next messages.
    mutating func end() {
      responses = []
      channel = nil
    }

    mutating func refuse(_ status: Common_Status, _ info: String) {
      responses.append(Responses.broadcast(status, info: info))
      refusal = status
    }
  }

  /// Validates one message; false if the turn ends here.
  private func take(_ bytes: [UInt8], in turn: inout Turn) async -> Bool {
    let envelope: EnvelopeView
    do {
      envelope = try EnvelopeView(bytes)
    } catch {
      let spent = turn.recorder.lap()
      await order(&turn)
      guard turn.refusal == nil else { return false }
      if error == .malformed("envelope") {
        turn.malformed = true
        return false
      }
      turn.recorder.refuse(
        channel: BroadcastMetrics.unknown, type: -1, status: .badRequest, validation: spent)
      refuse("unknown", .badRequest, "could not determine channel ID: \(error)", &turn)
      return false
    }

    do {
      let channel = try registrar.broadcastChannel(for: envelope)
      switch channel.processor.classify(envelope.headerType) {
      case .normal:
        let sequence = try channel.processor.processNormal(envelope)
        let spent = turn.recorder.lap()
        if turn.channel !== channel { await order(&turn) }
        guard turn.refusal == nil else { return false }
        turn.channel = channel
        turn.channelID = channel.id
        turn.waiting.append(
          OrderedMessage(envelope: envelope, configSequence: sequence, isConfig: false))
        turn.recorder.wait(type: envelope.headerType, validation: spent)
      case .configUpdate:
        await order(&turn)
        guard turn.refusal == nil else { return false }
        let (config, sequence) = try channel.processor.processConfigUpdate(envelope)
        turn.channel = channel
        turn.channelID = envelope.channelID
        turn.waiting = [
          OrderedMessage(
            envelope: try EnvelopeView(config), configSequence: sequence, isConfig: true)
        ]
        turn.recorder.wait(type: envelope.headerType, validation: turn.recorder.lap())
        await order(&turn)
      case .config:
        throw ProcessingError.badRequest("message is of type that cannot be processed directly")
      }
      return turn.refusal == nil
    } catch {
      let spent = turn.recorder.lap()
      await order(&turn)
      guard turn.refusal == nil else { return false }
      let (status, reason) = Self.answer(to: error)
      if metrics != nil {
        turn.recorder.refuse(
          channel: label(envelope.channelID), type: envelope.headerType, status: status,
          validation: spent)
      }
      refuse(envelope.channelID, status, reason, &turn)
      return false
    }
  }

  /// Hands the waiting messages to their chain.
  private func order(_ turn: inout Turn) async {
    guard let channel = turn.channel, !turn.waiting.isEmpty else { return }
    let messages = turn.waiting
    turn.waiting = []
    let outcomes: OrderOutcomes
    do {
      try await channel.waitReady()
      outcomes =
        messages[0].isConfig
        ? .all(await channel.configure(messages[0])) : await channel.order(messages)
    } catch { outcomes = .all(.refused(error)) }
    answer(messages.count, outcomes, channel, &turn)
  }

  /// Answers messages as their chain did, up to the first that it did not take.
  private func answer(
    _ count: Int, _ outcomes: OrderOutcomes, _ channel: Channel, _ turn: inout Turn
  ) {
    let enqueuing = turn.recorder.lap()
    let taken = (0..<count).first { outcomes[$0] != .taken } ?? count
    turn.recorder.accept(taken, channel: turn.channelID, enqueuing: enqueuing)
    for _ in 0..<taken { turn.responses.append(Responses.broadcastSuccess) }
    guard taken < count, let reason = outcomes[taken].refusal else { return }
    turn.recorder.refuseWaiting(
      channel: label(turn.channelID), status: .serviceUnavailable, enqueuing: enqueuing)
    refuse(channel.id, .serviceUnavailable, reason, &turn)
  }

  /// What metrics call a channel: its name, if it exists.
  private func label(_ channelID: String) -> String {
    registrar.lookUp(channelID) == nil ? BroadcastMetrics.unknown : channelID
  }

  private func refuse(
    _ channelID: String, _ status: Common_Status, _ reason: String, _ turn: inout Turn
  ) {
    logger.warning(
      """
      [channel: \(channelID)] Rejecting broadcast of message from \(turn.client) \
      with \(status.name): \(reason)
      """)
    turn.refuse(status, reason)
  }

  private static func answer(to error: any Error) -> (Common_Status, String) {
    switch error {
    case let error as ProcessingError: (error.status, error.reason)
    case let error as ChannelUnavailable: (.serviceUnavailable, "\(error)")
    default: (.badRequest, "\(error)")
    }
  }
}

extension Common_Status {
  /// The name that Fabric gives to the status, e.g. `BAD_REQUEST`.
  var name: String {
    switch self {
    case .unknown: "UNKNOWN"
    case .success: "SUCCESS"
    case .badRequest: "BAD_REQUEST"
    case .forbidden: "FORBIDDEN"
    case .notFound: "NOT_FOUND"
    case .requestEntityTooLarge: "REQUEST_ENTITY_TOO_LARGE"
    case .internalServerError: "INTERNAL_SERVER_ERROR"
    case .notImplemented: "NOT_IMPLEMENTED"
    case .serviceUnavailable: "SERVICE_UNAVAILABLE"
    case .UNRECOGNIZED(let value): "\(value)"
    }
  }
}

extension OrderOutcome {
  /// What a client is told whose message was not taken; nil if it was.
  fileprivate var refusal: String? {
    switch self {
    case .taken: nil
    // Gateways count this very text as success, since the message is or will be in a block.
    case .duplicate: "failed to submit request: request already exists"
    case .refused(let error): "\(error)"
    }
  }
}
