// One HTTP/2 stream of a client on its event loop: a request, then DATA frames to messages and back.

import NIOCore
import NIOHPACK
import NIOHTTP2

/// The channel handler of one stream. It meets its caller in a ``StreamExchange``.
final class ClientStreamHandler: ChannelInboundHandler, StreamPump {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private enum State {
    /// The stream's channel is not active → awaitingHead, ended
    case waiting(StreamExchange?)
    /// The request is written, or waits until the server allows one more stream → receiving, ended
    case awaitingHead(StreamExchange)
    /// The server's headers have come → ended
    case receiving(StreamExchange)
    /// The caller knows how it ended.
    case ended

    var exchange: StreamExchange? {
      switch self {
      case .waiting(let exchange): exchange
      case .awaitingHead(let exchange), .receiving(let exchange): exchange
      case .ended: nil
      }
    }
  }

  private let connection: ClientConnection
  private let request: ClientRequest
  private var state = State.waiting(nil)
  private var context: ChannelHandlerContext?
  private var deadline: Scheduled<Void>?

  private var inbound: InboundFrames
  private var hasFinishedSending = false
  private var needsFlush = false
  /// What this stream took of the shared window budget.
  private let reservedWindow: Int

  init(connection: ClientConnection, request: ClientRequest) {
    self.connection = connection
    self.request = request
    let limits = connection.environment.limits
    inbound = InboundFrames(maximumMessageBytes: limits.maximumReceiveMessageBytes)
    reservedWindow = connection.environment.budget.reserveWindow(
      of: limits.clampedStreamWindowBytes)
  }

  /// Whether the request is on the wire.
  private(set) var isSent = false

  /// Makes what the caller gets, and begins to count the time.
  func prepare(
    _ bound: NIOLoopBound<ClientStreamHandler>, allocator: ByteBufferAllocator
  ) -> GRPCClientStream {
    let limits = connection.environment.limits
    let exchange = StreamExchange(
      pump: NIOLoopBound(self, eventLoop: bound.eventLoop), allocator: allocator,
      bounds: StreamExchange.Bounds(
        windowBytes: HTTP2Limits.initialStreamWindowBytes + reservedWindow,
        outboundBytes: limits.outboundHighWatermarkBytes,
        maximumSendMessageBytes: limits.maximumSendMessageBytes),
      budget: connection.environment.budget)
    state = .waiting(exchange)
    if let timeout = request.timeout {
      deadline = bound.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
        [weak self] in self?.end(.deadlineExceeded)
      }
    }
    return GRPCClientStream(exchange: exchange, handler: bound)
  }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func channelActive(context: ChannelHandlerContext) {
    guard case .waiting(let exchange?) = state else {
      // Ended before it began.
      context.close(promise: nil)
      return
    }
    state = .awaitingHead(exchange)
    let headers = RequestHead.headers(
      request, authority: connection.authority, scheme: connection.scheme)
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { [weak self] result in
      switch result {
      case .success: self?.isSent = true
      case .failure(let error): self?.end(GRPCStatus(.unavailable, "\(error)"))
      }
    }
    context.write(
      wrapOutboundOut(.headers(HTTP2Frame.FramePayload.Headers(headers: headers))),
      promise: written)
    grant(reservedWindow)
    flushOutbound()
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    deliverBurst()
    end(GRPCStatus(.unavailable, "the connection is closed"))
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    deliverBurst()
    // NIO itself closes the streams that a leaving server does not serve. Resets have been read before.
    end(connection.reasonToLeave ?? GRPCStatus(streamError: error))
  }

  /// Ends the call for the caller; what has arrived stays to be taken. Resets the stream unless both sides have
  /// ended it.
  func end(_ status: GRPCStatus) {
    guard let exchange = state.exchange else { return }
    let isBegun = if case .waiting = state { false } else { true }
    state = .ended
    deadline?.cancel()
    deadline = nil
    exchange.close(status)
    connection.environment.budget.releaseWindow(reservedWindow)
    if let context, isBegun {
      if !inbound.hasEnded || !hasFinishedSending {
        // Closing alone would leave a request behind that still waits for the server. Where that has said all, it
        // is no complaint that this side stops.
        context.writeAndFlush(
          wrapOutboundOut(.rstStream(inbound.hasEnded ? .noError : .cancel)), promise: nil)
      }
      context.close(promise: nil)
    }
    connection.streamClosed(self)
  }

  // MARK: Inbound

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .headers(let headers):
      receive(headers)
    case .data(let data):
      if case .receiving = state { inbound.receive(data) }
      if data.endStream {
        inbound.end(
          GRPCStatus(.internalError, "server closed the stream without sending trailers"))
      }
    case .rstStream(let code):
      deliverBurst()
      end(GRPCStatus(reset: code))
    default:
      break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    deliverBurst()
    if needsFlush {
      needsFlush = false
      context.flush()
    }
  }

  private func receive(_ headers: HTTP2Frame.FramePayload.Headers) {
    switch state {
    case .awaitingHead(let exchange):
      switch ResponseHead(headers.headers, endsStream: headers.endStream) {
      case .informational:
        break
      case .accepted:
        state = .receiving(exchange)
      case .ended(let status):
        inbound.end(status)
      case .refused(let status):
        end(status)
      }
    case .receiving:
      if headers.endStream { inbound.end(ResponseHead.status(trailers: headers.headers)) }
    case .waiting, .ended:
      break
    }
  }

  private func deliverBurst() {
    guard let exchange = state.exchange, let burst = inbound.takeBurst() else { return }
    let delivered = exchange.deliver(burst)
    switch burst.end {
    case .halfClosed: return end(GRPCStatus(.unavailable, "the server has ended the call"))
    case .failed(let status): return end(status)
    case nil: break
    }
    switch delivered {
    case .granted(let window):
      grant(window)
    case .overBudget:
      end(GRPCStatus(.resourceExhausted, "too many messages of servers wait to be read"))
    }
  }

  func grantWindow() {
    guard case .receiving(let exchange) = state else { return }
    grant(exchange.takeGrant())
    if needsFlush {
      needsFlush = false
      context?.flush()
    }
  }

  private func grant(_ bytes: Int) {
    guard bytes > 0, inbound.isOpen, let context else { return }
    context.write(wrapOutboundOut(.windowUpdate(windowSizeIncrement: bytes)), promise: nil)
    needsFlush = true
  }

  // MARK: Outbound

  func flushOutbound() {
    let exchange: StreamExchange
    switch state {
    case .awaitingHead(let current), .receiving(let current): exchange = current
    case .waiting, .ended: return
    }
    guard let context else { return }
    let outgoing = exchange.takeOutbound()
    for payload in outgoing.payloads {
      let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(payload))
      context.write(wrapOutboundOut(.data(data)), promise: nil)
    }
    if outgoing.end != nil {
      hasFinishedSending = true
      let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer()), endStream: true)
      context.write(wrapOutboundOut(.data(data)), promise: nil)
    }
    needsFlush = false
    context.flush()
    exchange.setWritable(context.channel.isWritable)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    state.exchange?.setWritable(context.channel.isWritable)
    context.fireChannelWritabilityChanged()
  }
}
