// One connection's life: preface, keepalive, ping policy, errors, draining, closing.

import Logging
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS

/// Sent to a connection's pipeline by the server.
enum ConnectionCommand: Sendable {
  /// Announce the end, and close when the last stream has ended.
  case drain
  /// End the streams and close.
  case stop
}

/// The last handler of a connection's pipeline: sees the frames of stream 0 and all errors.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  private let connection: GRPCConnection
  private let tls: NIOSSLServerHandler?
  private let refusal: TLSRefusal
  private var pingPolicy: PingPolicy
  private var keepalive: KeepaliveTimer
  private var timer: Scheduled<Void>?

  init(connection: GRPCConnection, tls: NIOSSLServerHandler?, refusal: TLSRefusal) {
    self.connection = connection
    self.tls = tls
    self.refusal = refusal
    let settings = connection.environment.keepalive
    self.pingPolicy = PingPolicy(minimumInterval: TimeAmount(settings.serverMinInterval))
    self.keepalive = KeepaliveTimer(
      interval: TimeAmount(settings.serverInterval), timeout: TimeAmount(settings.serverTimeout))
  }

  private var logger: Logger { connection.environment.logger }
  private var metadata: Logger.Metadata { ["remoteAddress": "\(connection.remoteAddress)"] }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    let limit = TimeAmount(connection.environment.limits.connectionTimeout)
    schedule(in: limit, context: context) { handler, context in
      handler.logger.debug(
        "Closing a connection whose TLS handshake or HTTP/2 preface did not arrive in time",
        metadata: handler.metadata)
      handler.close(context: context)
    }
    connection.onIdle = { [weak self] in self?.lastStreamEnded(context: context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    connection.onIdle = nil
    timer?.cancel()
    timer = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    switch connection.wire.phase {
    case .closed:
      break
    case .connecting:
      connection.wire.phase = .closed
      // TLS may end before it tells of its error.
      if let reason = refusal.reason { report(TLSFailure(refusal: reason)) }
    case .open, .draining, .closing:
      connection.wire.phase = .closed
      connection.environment.observer.connectionClosed(remoteAddress: connection.remoteAddress)
    }
    connection.onIdle = nil
    timer?.cancel()
    timer = nil
    context.fireChannelInactive()
  }

  private func established(context: ChannelHandlerContext) {
    guard case .connecting = connection.wire.phase else { return }
    connection.wire.phase = .open
    timer?.cancel()
    connection.environment.observer.connectionOpened(remoteAddress: connection.remoteAddress)
    scheduleKeepalive(
      in: TimeAmount(connection.environment.keepalive.serverInterval), context: context)
  }

  private func close(context: ChannelHandlerContext) {
    switch connection.wire.phase {
    case .closing, .closed:
      return
    case .connecting:
      // Never opened, hence never reported as closed.
      connection.wire.phase = .closed
    case .open, .draining:
      connection.wire.phase = .closing
    }
    timer?.cancel()
    context.close(promise: nil)
  }

  // MARK: Frames of stream 0

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.payload {
    case .settings(.settings):
      established(context: context)
    case .ping(_, ack: false):
      receivedPing(context: context)
    default:
      break
    }
  }

  /// The answer is sent by the HTTP/2 handler.
  private func receivedPing(context: ChannelHandlerContext) {
    let verdict = pingPolicy.receivedPing(
      at: context.eventLoop.now, sentDataOrHeaders: connection.wire.sentDataOrHeaders)
    connection.wire.sentDataOrHeaders = false
    guard case .tooManyPings = verdict else { return }
    calmDown(
      "Closing a connection whose client pings more often than General.Keepalive allows",
      text: "too_many_pings", context: context)
  }

  /// Ends the connection of a client that sends too much of something.
  ///
  /// - Parameter text: what the client is told.
  private func calmDown(_ message: Logger.Message, text: String, context: ChannelHandlerContext) {
    guard !connection.wire.isDiscarding else { return }
    logger.warning(message, metadata: metadata)
    if case .connecting = connection.wire.phase { return close(context: context) }
    context.sendGoAway(.enhanceYourCalm, text: text)
    closeSoon(context: context)
  }

  // MARK: Keepalive

  private func scheduleKeepalive(in delay: TimeAmount, context: ChannelHandlerContext) {
    schedule(in: delay, context: context) { handler, context in
      handler.keepaliveFired(context: context)
    }
  }

  private func keepaliveFired(context: ChannelHandlerContext) {
    guard case .open = connection.wire.phase else { return }
    switch keepalive.fired(at: context.eventLoop.now, lastRead: connection.wire.lastRead) {
    case .wait(let delay):
      scheduleKeepalive(in: delay, context: context)
    case .ping(let timeout):
      context.sendKeepalivePing()
      scheduleKeepalive(in: timeout, context: context)
    case .close:
      logger.debug(
        "Closing a connection whose client did not answer a keepalive ping", metadata: metadata)
      close(context: context)
    }
  }

  // MARK: Draining

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case TLSUserEvent.handshakeCompleted:
      connection.handshakeCompleted(showing: try? tls?.peerCertificate?.toDERBytes())
    case ConnectionCommand.drain:
      drain(context: context)
    case ConnectionCommand.stop:
      stop(context: context)
    default:
      break
    }
    context.fireUserInboundEventTriggered(event)
  }

  private func drain(context: ChannelHandlerContext) {
    switch connection.wire.phase {
    case .connecting:
      close(context: context)
    case .open:
      connection.wire.phase = .draining
      timer?.cancel()
      context.sendGoAway(.noError, text: "graceful_stop")
      closeIfDrained(context: context)
    case .draining, .closing, .closed:
      break
    }
  }

  private func lastStreamEnded(context: ChannelHandlerContext) {
    guard case .draining = connection.wire.phase else { return }
    // The stream's channel is still being taken down; its last frames go out first.
    context.eventLoop.assumeIsolated().execute { self.closeIfDrained(context: context) }
  }

  private func closeIfDrained(context: ChannelHandlerContext) {
    guard case .draining = connection.wire.phase, !connection.hasStreams else { return }
    close(context: context)
  }

  private func stop(context: ChannelHandlerContext) {
    connection.abortStreams(.shuttingDown)
    close(context: context)
  }

  /// Leaves a GOAWAY the time to be read: closing with unread input resets the connection. What the
  /// client still sends is not read, and costs nothing.
  private func closeSoon(context: ChannelHandlerContext) {
    connection.wire.phase = .closing
    try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    schedule(in: goAwayTime, context: context) { handler, context in
      context.closeBelow(handler.tls)
    }
  }

  // MARK: Errors

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let failure = TLSFailure(error, refusal: refusal.reason) {
      report(failure)
      close(context: context)
    } else if let flood = error as? FrameFlood {
      calmDown(
        "Closing a connection whose client sends too many \(flood.kind) frames",
        text: "too many \(flood.kind) frames", context: context)
    } else if error is IOError || error is ChannelError {
      close(context: context)
    } else if connection.wire.foundBroken {
      guard !connection.wire.isDiscarding else { return }
      logger.debug("Closing a connection after \(error)", metadata: metadata)
      if case .connecting = connection.wire.phase { return close(context: context) }
      closeSoon(context: context)
    } else {
      // An error of one stream, which HTTP/2 has reset.
      logger.trace("Stream error: \(error)", metadata: metadata)
    }
  }

  private func report(_ failure: TLSFailure) {
    logger.log(
      level: failure.level, "TLS handshake failed with error \(failure.text)", metadata: metadata)
  }

  /// Replaces the one timer of the connection: timeouts of its states never overlap.
  private func schedule(
    in delay: TimeAmount, context: ChannelHandlerContext,
    _ body: @escaping (ConnectionHandler, ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
      guard let self else { return }
      body(self, context)
    }
  }
}
