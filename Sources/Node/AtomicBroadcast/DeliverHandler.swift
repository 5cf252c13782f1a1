// Serves blocks to peers and clients, from any position and as they are cut.

import FabricProtos
import GoText
import Logging
import Metrics
import Multichannel

/// The server side of `AtomicBroadcast.Deliver`, free of any transport.
///
/// A stream carries any number of requests, one after the other. The answer to each is a sequence of
/// blocks and a status; any status but SUCCESS ends the stream (Fabric: `common/deliver`).
package struct DeliverHandler: Sendable {
  /// What an operator can set.
  package struct Options: Sendable {
    /// How far a request's timestamp may be from this node's clock (General.Authentication.TimeWindow).
    package var timeWindow: Duration
    /// Whether requests must carry the hash of the client's TLS certificate (mutual TLS).
    package var requiresBinding: Bool
    /// Whether expired certificates are refused (General.Authentication.NoExpirationChecks).
    package var checksExpiration: Bool

    package init(timeWindow: Duration, requiresBinding: Bool, checksExpiration: Bool) {
      self.timeWindow = timeWindow
      self.requiresBinding = requiresBinding
      self.checksExpiration = checksExpiration
    }
  }

  private let registrar: Registrar
  private let options: Options
  private let clock: DeliverClock
  private let metrics: DeliverMetrics?
  private let logger: Logger

  package init(
    registrar: Registrar, options: Options, clock: DeliverClock,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance, logger: Logger
  ) {
    self.registrar = registrar
    self.options = options
    self.clock = clock
    self.metrics = DeliverMetrics(metrics)
    self.logger = logger
  }

  /// Serves one stream to its end.
  ///
  /// - Throws: What the stream throws if it breaks; ``StreamFailure``.
  package func handle(_ stream: some ClientStream) async throws {
    logger.debug("Starting new deliver loop for \(stream.remoteAddress)")
    metrics?.streamsOpened.increment()
    defer { metrics?.streamsClosed.increment() }
    while let requests = try await stream.nextMessages() {
      for request in requests {
        let status = try await answer(request, on: stream)
        try await stream.send([Responses.deliver(status)])
        if status != .success { return }
      }
    }
    logger.debug("Received EOF from \(stream.remoteAddress), hangup")
  }

  /// Answers a request, but for the status.
  private func answer(
    _ request: [UInt8], on stream: some ClientStream
  ) async throws -> Common_Status {
    let envelope: EnvelopeView
    do {
      envelope = try EnvelopeView(request)
      try RequestHeaderCheck(options: options, now: clock.now())
        .check(envelope, tlsCertificateHash: stream.tlsCertificateHash)
    } catch let error as EnvelopeError where error == .malformed("envelope") {
      throw StreamFailure.malformedEnvelope
    } catch {
      logger.warning(
        "error parsing envelope from \(stream.remoteAddress): \(ForeignText.shown("\(error)"))")
      return .badRequest
    }
    let log = DeliverLog(logger: logger, channelID: envelope.channelID)
    switch registrar.lookUp(envelope.channelID) {
    case .channel(let channel):
      return try await measured(channel.id) { series in
        try await answer(envelope, for: channel, on: stream, series, log)
      }
    case .unavailable(let reason):
      return try await measured(envelope.channelID) { _ in
        log.warning("Rejecting deliver request for \(stream.remoteAddress): \(reason)")
        return .serviceUnavailable
      }
    case .follower, nil:
      // Clients poll while they wait for a channel to be created: not worth more than debug.
      log.debug("Rejecting deliver for \(stream.remoteAddress): not found")
      return .notFound
    }
  }

  /// Counts a request for a channel that exists.
  private func measured(
    _ channelID: String, _ body: (DeliverMetrics.Series?) async throws -> Common_Status
  ) async throws -> Common_Status {
    let series = metrics?.series(channel: channelID)
    series?.requestReceived()
    var succeeded = false
    defer { series?.requestCompleted(success: succeeded) }
    let status = try await body(series)
    succeeded = status == .success
    return status
  }

  /// Finds out what a request wants and whether it may have that, and sends it.
  private func answer(
    _ envelope: EnvelopeView, for channel: Channel, on stream: some ClientStream,
    _ series: DeliverMetrics.Series?, _ log: DeliverLog
  ) async throws -> Common_Status {
    guard let seek = try? Orderer_SeekInfo(serializedBytes: Array(envelope.data)) else {
      log.warning(
        "Received a signed deliver request from \(stream.remoteAddress) with malformed seekInfo")
      return .badRequest
    }
    let heedsErrors = seek.errorResponse != .bestEffort
    if heedsErrors, let reason = channel.tip.error {
      log.warning(
        "Rejecting deliver request for \(stream.remoteAddress) because of consenter error: \(reason)"
      )
      return .serviceUnavailable
    }
    var access: SessionAccess
    do {
      access = try SessionAccess(
        envelope: envelope, channel: channel, checksExpiration: options.checksExpiration)
    } catch {
      log.warning("failed to create access control object due to \(error)")
      return .badRequest
    }
    do {
      try access.check(now: clock.now())
    } catch {
      log.warning("Client \(stream.remoteAddress) is not authorized: \(error)")
      return .forbidden
    }
    guard seek.hasStart, seek.hasStop else {
      log.warning(
        "Received seekInfo message from \(stream.remoteAddress) with missing start or stop")
      return .badRequest
    }
    switch BlockRange(seek, oldest: channel.oldestBlock, height: channel.tip.height) {
    case .blocks(let range):
      var session = DeliverSession(
        request: BlockRequest(
          range: range, contentType: seek.contentType, heedsErrors: heedsErrors,
          waits: seek.behavior != .failIfNotReady),
        channel: channel, access: access, stream: stream, clock: clock, series: series, log: log)
      return try await session.run()
    case .invalid(let start, let stop):
      log.warning(
        """
        Received invalid seekInfo message from \(stream.remoteAddress): \
        start number \(start) greater than stop number \(stop)
        """)
      return .badRequest
    case .notFound:
      log.warning("Block not found, block number greater than chain length bounds")
      return .notFound
    }
  }
}

/// The log of one request.
struct DeliverLog: Sendable {
  let logger: Logger
  let channelID: String

  func debug(_ text: @autoclosure () -> String) { write(.debug, text()) }
  func warning(_ text: @autoclosure () -> String) { write(.warning, text()) }
  func error(_ text: @autoclosure () -> String) { write(.error, text()) }

  private func write(_ level: Logger.Level, _ text: @autoclosure () -> String) {
    logger.log(level: level, "[channel: \(ForeignText.shown(channelID))] \(text())")
  }
}
