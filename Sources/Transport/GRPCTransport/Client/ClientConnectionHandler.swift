// The life of a client's connection: settings, keepalive, GOAWAY, errors, closing.

import Logging
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS
import Sockets

/// The last handler of a connection's pipeline: sees the frames of stream 0 and all errors.
final class ClientConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  private let connection: ClientConnection
  private let tls: NIOSSLClientHandler?
  private let tap: ClientRandomTap?
  private let refusal: TLSRefusal
  private let dial: Dial
  private let dialDeadline: NIODeadline
  private var keepalive: KeepaliveTimer
  private var timer: Scheduled<Void>?
  /// What ended the connection, if it was known before it closed.
  private var failure: GRPCDialError?
  private var exporter: TLSExporter?

  init(
    connection: ClientConnection, tls: NIOSSLClientHandler?, tap: ClientRandomTap?,
    refusal: TLSRefusal, dial: Dial, deadline: NIODeadline
  ) {
    self.connection = connection
    self.tls = tls
    self.tap = tap
    self.refusal = refusal
    self.dial = dial
    dialDeadline = deadline
    let settings = connection.environment.keepalive
    keepalive = KeepaliveTimer(
      interval: TimeAmount(settings.interval), timeout: TimeAmount(settings.timeout))
  }

  private var wire: WireState { connection.wire }
  private var logger: Logger { connection.environment.logger }
  private var metadata: Logger.Metadata { ["remoteAddress": "\(connection.authority)"] }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    schedule(at: dialDeadline, context: context) { handler, context in
      handler.fail(.timedOut, context: context)
    }
    connection.onIdle = { [weak self] in self?.lastStreamEnded(context: context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    ended(context: context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    ended(context: context)
    context.fireChannelInactive()
  }

  private func ended(context: ChannelHandlerContext) {
    connection.onIdle = nil
    timer?.cancel()
    timer = nil
    wire.phase = .closed
    // TLS may end before it tells of its error.
    let failure =
      failure ?? refusal.reason.map { .untrusted($0) }
      ?? .failed("the server has closed the connection")
    dial.failed(failure, on: context.channel)
    connection.lost(GRPCStatus(.unavailable, "\(failure)"))
  }

  private func established(context: ChannelHandlerContext) {
    guard case .connecting = wire.phase else { return }
    wire.phase = .open
    dial.connected(
      GRPCClientConnection(
        exporter: exporter, life: connection.life,
        connection: NIOLoopBound(connection, eventLoop: context.eventLoop)))
    scheduleKeepalive(
      in: TimeAmount(connection.environment.keepalive.interval), context: context)
  }

  /// Closes at once. Waiting for TLS to end would let a server keep the connection.
  private func fail(_ reason: GRPCDialError, context: ChannelHandlerContext) {
    guard !wire.isDiscarding else { return }
    failure = failure ?? reason
    wire.phase = .closing
    timer?.cancel()
    context.closeBelow(tls)
  }

  // MARK: Frames of stream 0

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data).payload {
    case .settings(.settings):
      established(context: context)
    case .goAway(_, let code, let text):
      leave(code, text, context: context)
    default:
      break
    }
  }

  private func leave(_ code: HTTP2ErrorCode, _ text: ByteBuffer?, context: ChannelHandlerContext) {
    let words = text.map { String(decoding: $0.readableBytesView.prefix(200), as: UTF8.self) } ?? ""
    let status = GRPCStatus(
      .unavailable, "the server goes away: \(code)\(words.isEmpty ? "" : ", \(words)")")
    switch wire.phase {
    case .connecting:
      fail(.failed(status.message), context: context)
    case .open:
      failure = .failed(status.message)
      wire.phase = .draining
      connection.leave(status)
      closeIfDrained(context: context)
    case .draining, .closing, .closed:
      break
    }
  }

  private func lastStreamEnded(context: ChannelHandlerContext) {
    guard case .draining = wire.phase else { return }
    // The stream's channel is still being taken down; its last frames go out first.
    context.eventLoop.assumeIsolated().execute { self.closeIfDrained(context: context) }
  }

  private func closeIfDrained(context: ChannelHandlerContext) {
    guard case .draining = wire.phase, !connection.hasStreams else { return }
    wire.phase = .closing
    timer?.cancel()
    context.close(promise: nil)
  }

  // MARK: Keepalive

  private func scheduleKeepalive(in delay: TimeAmount, context: ChannelHandlerContext) {
    schedule(at: context.eventLoop.now + delay, context: context) { handler, context in
      handler.keepaliveFired(context: context)
    }
  }

  private func keepaliveFired(context: ChannelHandlerContext) {
    guard !wire.isDiscarding else { return }
    switch keepalive.fired(at: context.eventLoop.now, lastRead: wire.lastRead) {
    case .wait(let delay):
      scheduleKeepalive(in: delay, context: context)
    case .ping(let timeout):
      context.sendKeepalivePing()
      scheduleKeepalive(in: timeout, context: context)
    case .close:
      fail(.failed("the server does not answer a keepalive ping"), context: context)
    }
  }

  // MARK: TLS and errors

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted = event {
      exporter = tap?.finish()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let reason = refusal.reason {
      fail(.untrusted(reason), context: context)
    } else if let report = TLSFailure(error) {
      fail(.failed("TLS with the server failed: \(report.text)"), context: context)
    } else if let flood = error as? FrameFlood {
      calmDown(flood, context: context)
    } else if error is IOError || error is ChannelError {
      fail(.failed("the connection is broken: \(error)"), context: context)
    } else if wire.foundBroken {
      logger.debug("Closing a connection after \(error)", metadata: metadata)
      closeSoon(.failed("the server breaks the rules of HTTP/2: \(error)"), context: context)
    } else {
      // An error of one stream, which HTTP/2 has reset.
      logger.trace("Stream error: \(error)", metadata: metadata)
    }
  }

  private func calmDown(_ flood: FrameFlood, context: ChannelHandlerContext) {
    guard !wire.isDiscarding else { return }
    logger.warning(
      "Closing a connection whose server sends too many \(flood.kind) frames", metadata: metadata)
    context.sendGoAway(.enhanceYourCalm, text: "too many \(flood.kind) frames")
    closeSoon(.failed("the server sends too many \(flood.kind) frames"), context: context)
  }

  /// Leaves a GOAWAY the time to be read: closing with unread input resets the connection. What the
  /// server still sends is not read, and costs nothing.
  private func closeSoon(_ reason: GRPCDialError, context: ChannelHandlerContext) {
    guard !wire.isDiscarding else { return }
    failure = failure ?? reason
    wire.phase = .closing
    dial.failed(reason, on: context.channel)
    connection.lost(GRPCStatus(.unavailable, "\(reason)"))
    try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    schedule(at: context.eventLoop.now + goAwayTime, context: context) { handler, context in
      context.closeBelow(handler.tls)
    }
  }

  /// Replaces the one timer of the connection: timeouts of its states never overlap.
  private func schedule(
    at time: NIODeadline, context: ChannelHandlerContext,
    _ body: @escaping (ClientConnectionHandler, ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in
      guard let self else { return }
      body(self, context)
    }
  }
}
