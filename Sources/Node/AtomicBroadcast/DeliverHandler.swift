// Serves blocks to peers and clients, from any position and as they are cut.

import FabricProtos
import Foundation
import Logging
import Metrics
import Multichannel
import Ordering

import struct NIOCore.ByteBuffer

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

  /// Seconds before a certificate's expiry from which on waiting sessions run a timer for it.
  static let expiryHorizon: TimeInterval = 24 * 3_600

  /// Blocks that are read and sent in one go at most.
  static let maximumPiece = 256
  /// Bytes after which a piece is long enough.
  static let pieceBytes = 256 << 10

  private let registrar: Registrar
  private let options: Options
  private let metrics: DeliverMetrics?
  private let logger: Logger
  private let now: @Sendable () -> Date

  package init(
    registrar: Registrar, options: Options,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance, logger: Logger,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.registrar = registrar
    self.options = options
    self.metrics = DeliverMetrics(metrics)
    self.logger = logger
    self.now = now
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

  private func answer(
    _ request: [UInt8], on stream: some ClientStream
  ) async throws -> Common_Status {
    let envelope: EnvelopeView
    do {
      envelope = try EnvelopeView(request)
      try checkHeader(of: envelope, from: stream)
    } catch let error as EnvelopeError where error == .malformed("envelope") {
      throw StreamFailure.malformedEnvelope
    } catch {
      logger.warning("error parsing envelope from \(stream.remoteAddress): \(error)")
      return .badRequest
    }
    guard let entry = registrar.lookUp(envelope.channelID) else {
      // Clients poll while they wait for a channel to be created: not worth more than debug.
      log(.debug, envelope.channelID, "Rejecting deliver for \(stream.remoteAddress): not found")
      return .notFound
    }
    let series = metrics?.series(channel: envelope.channelID)
    series?.requestReceived()
    var succeeded = false
    defer { series?.requestCompleted(success: succeeded) }
    switch entry {
    case .channel(let channel):
      let status = try await answer(envelope, for: channel, on: stream, series)
      succeeded = status == .success
      return status
    case .unavailable(let reason):
      log(
        .warning, envelope.channelID,
        "Rejecting deliver request for \(stream.remoteAddress): \(reason)")
      return .serviceUnavailable
    }
  }

  private func answer(
    _ envelope: EnvelopeView, for channel: Channel, on stream: some ClientStream,
    _ series: DeliverMetrics.Series?
  ) async throws -> Common_Status {
    guard let seek = try? Orderer_SeekInfo(serializedBytes: Array(envelope.data)) else {
      log(
        .warning, channel.id,
        "Received a signed deliver request from \(stream.remoteAddress) with malformed seekInfo")
      return .badRequest
    }
    let heedsErrors = seek.errorResponse != .bestEffort
    if heedsErrors, let reason = channel.tip.error {
      log(
        .warning, channel.id,
        "Rejecting deliver request for \(stream.remoteAddress) because of consenter error: \(reason)"
      )
      return .serviceUnavailable
    }
    var access: SessionAccess
    do {
      access = try SessionAccess(
        envelope: envelope, channel: channel, checksExpiration: options.checksExpiration)
    } catch {
      log(.warning, channel.id, "failed to create access control object due to \(error)")
      return .badRequest
    }
    do {
      try access.check(now: now())
    } catch {
      log(.warning, channel.id, "Client \(stream.remoteAddress) is not authorized: \(error)")
      return .forbidden
    }
    guard seek.hasStart, seek.hasStop else {
      log(
        .warning, channel.id,
        "Received seekInfo message from \(stream.remoteAddress) with missing start or stop")
      return .badRequest
    }
    switch BlockRange(seek, oldest: channel.oldestBlock, height: channel.tip.height) {
    case .blocks(let range):
      let request = BlockRequest(
        range: range, contentType: seek.contentType, heedsErrors: heedsErrors,
        waits: seek.behavior != .failIfNotReady, channel: channel, series: series)
      return try await deliver(request, access: &access, on: stream)
    case .invalid(let start, let stop):
      log(
        .warning, channel.id,
        """
        Received invalid seekInfo message from \(stream.remoteAddress): \
        start number \(start) greater than stop number \(stop)
        """)
      return .badRequest
    case .notFound:
      log(.warning, channel.id, "Block not found, block number greater than chain length bounds")
      return .notFound
    }
  }

  /// What a client wants, once it is clear.
  private struct BlockRequest {
    let range: ClosedRange<UInt64>
    let contentType: Orderer_SeekInfo.SeekContentType
    /// The answer ends when the consenter is in error.
    let heedsErrors: Bool
    /// A block that does not exist yet is waited for.
    let waits: Bool
    let channel: Channel
    let series: DeliverMetrics.Series?
  }

  private func deliver(
    _ request: BlockRequest, access: inout SessionAccess, on stream: some ClientStream
  ) async throws -> Common_Status {
    let channel = request.channel
    var number = request.range.lowerBound
    while true {
      if request.heedsErrors, channel.tip.error != nil { return errored(channel, stream) }
      if channel.tip.height <= number {
        guard request.waits else {
          log(
            .warning, channel.id,
            "Block \(number) not found, block number greater than chain length bounds")
          return .notFound
        }
        switch await wait(
          for: number, of: channel, heedsErrors: request.heedsErrors, until: access.expiresAt)
        {
        case .grown: break
        case .errored: return errored(channel, stream)
        case .cancelled where Task.isCancelled: throw StreamFailure.cancelled
        case .cancelled: break  // The certificate expires: the check below says so.
        }
      }
      // Taken before the check: a config that comes into force after it does so with a block at or
      // above this height, which a session that loses its right must not be given.
      let height = channel.tip.height
      // Checked before the block is read: a session that may not go on needs none.
      do {
        try access.check(now: now())
      } catch {
        log(
          .warning, channel.id,
          "Client authorization revoked for deliver request from \(stream.remoteAddress): \(error)")
        return .forbidden
      }
      guard height > number else { continue }
      var step = try await sendPiece(of: request, from: number, below: height, on: stream)
      if step.status == nil, step.next < height {
        step = try await withTaskExecutorPreference(stream.executor) {
          try await catchUp(request, from: step.next, access: &access, on: stream)
        }
      }
      if let status = step.status { return status }
      number = step.next
    }
  }

  /// The block to send next and, if the request has come to its end, its status.
  private typealias Step = (next: UInt64, status: Common_Status?)

  /// Sends what there is from `number` on, piece by piece.
  ///
  /// This runs where the bytes are written, so it leaves when something else is to be done than to
  /// read and to send: wait for a block, report an error, look at a new configuration.
  private func catchUp(
    _ request: BlockRequest, from number: UInt64, access: inout SessionAccess,
    on stream: some ClientStream
  ) async throws -> Step {
    let channel = request.channel
    let sequence = channel.bundle.sequence
    var step: Step = (number, nil)
    while step.status == nil {
      if request.heedsErrors, channel.tip.error != nil { break }
      // As above, taken before the check.
      let height = channel.tip.height
      guard height > step.next, channel.bundle.sequence == sequence,
        (try? access.check(now: now())) != nil
      else { break }
      step = try await sendPiece(of: request, from: step.next, below: height, on: stream)
    }
    return step
  }

  /// Sends some of the blocks that exist, so that a reader who catches up takes them in pieces.
  private func sendPiece(
    of request: BlockRequest, from number: UInt64, below height: UInt64,
    on stream: some ClientStream
  ) async throws -> Step {
    let blocks: [ByteBuffer]
    do {
      let last = min(height - 1, request.range.upperBound)
      blocks = try await request.channel.blocks(
        from: number, count: Int(min(last - number, UInt64(Self.maximumPiece - 1))) + 1,
        bytes: Self.pieceBytes, contentType: request.contentType)
    } catch {
      log(.error, request.channel.id, "Error reading block \(number): \(error)")
      return (number, .serviceUnavailable)
    }
    try await stream.send(blocks: blocks)
    request.series?.sent(blocks: blocks.count)
    let next = number + UInt64(blocks.count)
    return (next, next > request.range.upperBound ? .success : nil)
  }

  /// Waits for a block, at most until the client's certificate expires.
  ///
  /// Only an expiry within ``expiryHorizon`` is waited for with a timer; a session that outlasts it
  /// without a block ends when the next block comes, and is not served that block.
  private func wait(
    for number: UInt64, of channel: Channel, heedsErrors: Bool, until expiry: Date?
  ) async -> TipSignal.Event {
    let remaining = expiry?.timeIntervalSince(now()) ?? .infinity
    guard remaining < Self.expiryHorizon else {
      return await channel.tip.wait(beyond: number, heedsErrors: heedsErrors)
    }
    return await withTaskGroup(of: TipSignal.Event.self) { group in
      group.addTask { await channel.tip.wait(beyond: number, heedsErrors: heedsErrors) }
      group.addTask {
        // A little later than the expiry, so that the clock has passed it.
        try? await Task.sleep(for: .seconds(max(0, remaining) + 0.01))
        return .cancelled
      }
      defer { group.cancelAll() }
      return await group.next() ?? .cancelled
    }
  }

  private func errored(_ channel: Channel, _ stream: some ClientStream) -> Common_Status {
    log(
      .warning, channel.id,
      """
      Aborting deliver for \(stream.remoteAddress) because the consenter indicates an error: \
      \(channel.tip.error ?? "")
      """)
    return .serviceUnavailable
  }

  /// The checks of Fabric's `validateChannelHeader`: age, and binding to the TLS session.
  private func checkHeader(
    of envelope: EnvelopeView, from stream: some ClientStream
  ) throws {
    _ = try envelope.signatureHeaderParts()
    guard let timestamp = envelope.timestamp else {
      throw AccessDenied(description: "channel header in envelope must contain timestamp")
    }
    let time = Double(timestamp.seconds) + Double(timestamp.nanos) / 1e9
    let apart = abs(now().timeIntervalSince1970 - time)
    let window = options.timeWindow / .seconds(1)
    guard apart <= window else {
      throw AccessDenied(
        description: """
          envelope timestamp \(Date(timeIntervalSince1970: time)) is more than \(window) s apart \
          from current server time \(now())
          """)
    }
    guard options.requiresBinding else { return }
    guard !envelope.tlsCertificateHash.isEmpty else {
      throw AccessDenied(description: "client didn't include its TLS cert hash")
    }
    guard let actual = stream.tlsCertificateHash else {
      throw AccessDenied(description: "client didn't send a TLS certificate")
    }
    guard envelope.tlsCertificateHash.elementsEqual(actual) else {
      throw AccessDenied(
        description: "claimed TLS cert hash differs from the hash of the client's TLS certificate")
    }
  }

  private func log(_ level: Logger.Level, _ channel: String, _ text: @autoclosure () -> String) {
    logger.log(level: level, "[channel: \(channel)] \(text())")
  }
}
