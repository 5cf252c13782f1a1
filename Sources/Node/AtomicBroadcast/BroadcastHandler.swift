// Takes transactions from clients: validates each, hands it to its channel's chain, and answers.

import FabricProtos
import GoText
import Logging
import Metrics
import Multichannel
import Ordering

/// The server side of `AtomicBroadcast.Broadcast`, free of any transport.
///
/// Messages of one stream are validated and ordered in the order in which they came. What arrived
/// together is validated one by one, but handed to the chain and answered together. The first refusal
/// ends the stream, after its answer (Fabric: `orderer/common/broadcast`).
package struct BroadcastHandler: Sendable {
  private let registrar: Registrar
  private let metrics: BroadcastMetrics?
  private let logger: Logger

  private var intake: BroadcastIntake { BroadcastIntake(registrar: registrar) }

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
    var session = Session(client: stream.remoteAddress, recorder: BroadcastRecorder(metrics))
    while let messages = try await stream.nextMessages() {
      session.recorder.begin()
      for message in messages where session.turn.isOpen { await take(message, &session) }
      await order(&session)
      try await stream.send(session.turn.responses)
      switch session.turn.state {
      case .open: session.turn.next()
      case .refused: return
      case .broken: throw StreamFailure.malformedEnvelope
      }
    }
    logger.debug("Received EOF from \(stream.remoteAddress), hangup")
  }

  /// What is kept of a stream while it is served.
  private struct Session {
    let client: String
    var turn = BroadcastTurn<Channel>()
    var recorder: BroadcastRecorder
  }

  /// Validates a message and puts it among those that wait to be ordered, or ends the turn with it.
  private func take(_ message: [UInt8], _ session: inout Session) async {
    do throws(BroadcastEnd) {
      let submission = try intake.identify(message)
      if submission.messageClass == .configUpdate {
        await order(&session)
        guard session.turn.isOpen else { return }
      }
      let ordered = try intake.validate(submission)
      let spent = session.recorder.lap()
      if session.turn.mustOrder(before: submission.channel) {
        await order(&session)
        guard session.turn.isOpen else { return }
      }
      session.turn.add(
        ordered, naming: submission.envelope.channelID, for: submission.channel)
      session.recorder.wait(type: submission.envelope.headerType, validation: spent)
      // A chain takes a change of the configuration by itself, not with others.
      if ordered.isConfig { await order(&session) }
    } catch {
      let spent = session.recorder.lap()
      await order(&session)
      guard session.turn.isOpen else { return }
      switch error {
      case .malformed: session.turn.breakOff()
      case .refused(let refusal):
        session.recorder.refuse(refusal, validation: spent, label: label)
        refuse(refusal, &session)
      }
    }
  }

  /// Hands the messages that wait to their chain, and answers them up to the first that it did not take.
  private func order(_ session: inout Session) async {
    guard let batch = session.turn.takeBatch() else { return }
    let count = batch.messages.count
    let outcomes = await hand(batch.messages, to: batch.channel)
    let enqueuing = session.recorder.lap()
    let taken = (0..<count).first { outcomes[$0] != .taken } ?? count
    session.turn.accept(taken)
    session.recorder.accept(taken, channel: batch.channelID, enqueuing: enqueuing)
    guard taken < count, let reason = outcomes[taken].refusal else { return }
    session.recorder.refuseWaiting(
      channel: label(batch.channelID), status: .serviceUnavailable, enqueuing: enqueuing)
    refuse(
      BroadcastRefusal(
        channelID: batch.channel.id, status: .serviceUnavailable, reason: reason), &session)
  }

  private func hand(_ messages: [OrderedMessage], to channel: Channel) async -> OrderOutcomes {
    do {
      try await channel.waitReady()
    } catch { return .all(.refused(error)) }
    guard messages[0].isConfig else { return await channel.order(messages) }
    return .all(await channel.configure(messages[0]))
  }

  /// Bytes of a reason that are logged; it can quote what the client sent.
  private static let reasonBytes = 1_024

  private func refuse(_ refusal: BroadcastRefusal, _ session: inout Session) {
    let channelID = ForeignText.shown(refusal.channelID ?? BroadcastMetrics.unknown)
    let reason = ForeignText.shown(refusal.reason, atMost: Self.reasonBytes)
    logger.warning(
      """
      [channel: \(channelID)] Rejecting broadcast of message from \(session.client) with \
      \(refusal.status.name): \(reason)
      """)
    session.turn.refuse(refusal.status, refusal.reason)
  }

  /// What metrics call a channel: its name, if it exists.
  private func label(_ channelID: String?) -> String {
    guard let channelID, registrar.lookUp(channelID) != nil else { return BroadcastMetrics.unknown }
    return channelID
  }
}

extension OrderOutcome {
  /// What a client is told if its message was not taken; nil if it was.
  fileprivate var refusal: String? {
    switch self {
    case .taken: nil
    // Gateways count this very text as success, since the message is or will be in a block.
    case .duplicate: "failed to submit request: request already exists"
    case .refused(let error): "\(error)"
    }
  }
}
