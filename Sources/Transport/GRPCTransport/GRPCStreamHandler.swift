// One HTTP/2 stream on its event loop: headers to a call, DATA frames to messages and back.

import NIOCore
import NIOHPACK
import NIOHTTP2

/// The channel handler of one stream. Lives on the event loop of its connection; the call's handler
/// runs in a task elsewhere and meets it in `GRPCServerStream`.
///
/// Frames are read as they come. Back-pressure comes from granting window late, not from leaving frames
/// unread.
final class GRPCStreamHandler: ChannelInboundHandler, StreamPump {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private enum State {
    /// → serving, ended, closed
    case awaitingHeaders
    /// → ended, closed
    case serving(ServedCall)
    /// Trailers or a reset are written → closed
    case ended
    case closed
  }

  private let connection: GRPCConnection
  private var state = State.awaitingHeaders
  private var context: ChannelHandlerContext?
  private var deadline: Scheduled<Void>?

  private var inbound: InboundFrames
  private var hasSentHeaders = false
  private var needsFlush = false
  /// What this stream took of the shared window budget.
  private var reservedWindow = 0

  init(connection: GRPCConnection) {
    self.connection = connection
    self.inbound = InboundFrames(
      maximumMessageBytes: connection.environment.limits.http2.maximumReceiveMessageBytes)
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    close()
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    close()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Resets and errors of the stream; the channel becomes inactive where they end it.
  }

  // MARK: Inbound

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .headers(let headers):
      // Before the call begins, so that no window is granted for nothing.
      if headers.endStream { inbound.end() }
      if case .awaitingHeaders = state { begin(headers.headers, context: context) }
    case .data(let data):
      if case .serving = state { inbound.receive(data) }
      if data.endStream { inbound.end() }
    default:
      break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    deliverBurst()
    flushIfNeeded()
  }

  private func flushIfNeeded() {
    guard needsFlush else { return }
    needsFlush = false
    context?.flush()
  }

  private func deliverBurst() {
    guard case .serving(let call) = state, let burst = inbound.takeBurst() else { return }
    if !burst.messages.isEmpty {
      connection.environment.observer.messagesReceived(
        call.call, count: burst.messages.count, bytes: burst.messages.reduce(0) { $0 + $1.count })
    }
    switch call.exchange.deliver(burst) {
    case .granted(let window):
      grant(window)
    case .overBudget:
      abort(GRPCStatus(.resourceExhausted, "the server holds too many unprocessed messages"))
    }
  }

  /// Grants the window that the handler's progress has freed.
  func grantWindow() {
    guard case .serving(let call) = state else { return }
    grant(call.exchange.takeGrant())
    flushIfNeeded()
  }

  private func grant(_ bytes: Int) {
    guard bytes > 0, inbound.isOpen, let context else { return }
    context.write(wrapOutboundOut(.windowUpdate(windowSizeIncrement: bytes)), promise: nil)
    needsFlush = true
  }

  // MARK: The call

  private func begin(_ headers: HPACKHeaders, context: ChannelHandlerContext) {
    let environment = connection.environment
    let head: RequestHead
    do throws(RequestHead.Refusal) {
      head = try RequestHead(headers)
    } catch {
      refuse(error)
      return
    }
    let method: GRPCMethod
    let call: GRPCCall
    switch environment.methods.lookup(head.path) {
    case .refused(let status):
      refuse(RequestHead.Refusal(httpStatus: 200, status: status))
      return
    case .found(let found, let service, let name):
      method = found
      call = GRPCCall(
        service: service, method: name, remoteAddress: connection.remoteAddress,
        peerCertificates: connection.peerCertificates, exporter: connection.exporter)
    }
    guard connection.admitHandler() else {
      // Safe to retry for the client: nothing was done (RFC 9113, 8.7).
      state = .ended
      context.write(wrapOutboundOut(.rstStream(.refusedStream)), promise: nil)
      needsFlush = true
      return
    }

    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let exchange = makeExchange(context: context)
    let stream = GRPCServerStream(
      call: call, executor: connection.executor, exchange: exchange,
      observer: environment.observer)
    let task = Task {
      [observer = environment.observer, registry = environment.registry, time = environment.time] in
      let started = time.now
      observer.streamOpened(call)
      var status = GRPCStatus.ok
      do {
        try await method.handler(stream)
      } catch {
        status = GRPCStatus(thrown: error)
      }
      // Before the client learns of the end, and opens the next stream in its place.
      bound.eventLoop.execute { bound.value.connection.handlerEnded() }
      status = exchange.finish(status)
      observer.streamClosed(call, status: status, duration: time.now - started)
      registry.handlerEnded()
    }
    state = .serving(ServedCall(call: call, exchange: exchange, task: task))
    connection.streamOpened(self)
    if let timeout = head.timeout { scheduleDeadline(timeout, context: context) }
  }

  private func makeExchange(context: ChannelHandlerContext) -> StreamExchange {
    let environment = connection.environment
    let limits = environment.limits.http2
    return StreamExchange(
      pump: NIOLoopBound(self, eventLoop: context.eventLoop), allocator: context.channel.allocator,
      bounds: StreamExchange.Bounds(
        windowBytes: openWindow(), outboundBytes: limits.outboundHighWatermarkBytes,
        maximumSendMessageBytes: limits.maximumSendMessageBytes),
      budget: environment.budget)
  }

  /// Raises the window above HTTP/2's initial one, as far as the shared budget allows.
  private func openWindow() -> Int {
    let initial = HTTP2Limits.initialStreamWindowBytes
    guard inbound.isOpen else { return initial }
    reservedWindow = connection.environment.budget.reserveWindow(
      of: connection.environment.limits.http2.clampedStreamWindowBytes)
    grant(reservedWindow)
    return initial + reservedWindow
  }

  private func scheduleDeadline(_ timeout: Duration, context: ChannelHandlerContext) {
    // A year is as good as none, and keeps the arithmetic of deadlines away from its limits.
    guard timeout < .seconds(365 * 24 * 3600) else { return }
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
      self.deadline = nil
      if case .ended = self.state {
        // The handler was in time, but the client has not read its answer.
        self.reset()
      } else {
        self.abort(.deadlineExceeded)
      }
    }
  }

  // MARK: Outbound

  /// Writes what the handler has sent, and the trailers once it has ended.
  func flushOutbound() {
    guard case .serving(let call) = state, let context else { return }
    let outgoing = call.exchange.takeOutbound()
    if !outgoing.payloads.isEmpty, !hasSentHeaders {
      hasSentHeaders = true
      let headers = HTTP2Frame.FramePayload.Headers(headers: ResponseHeaders.initial)
      context.write(wrapOutboundOut(.headers(headers)), promise: nil)
    }
    for payload in outgoing.payloads {
      let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(payload))
      context.write(wrapOutboundOut(.data(data)), promise: nil)
    }
    if let status = outgoing.end {
      call.exchange.end(status)
      writeTrailers(status, httpStatus: 200, context: context)
    }
    needsFlush = false
    context.flush()
    call.exchange.setWritable(context.channel.isWritable)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if case .serving(let call) = state { call.exchange.setWritable(context.channel.isWritable) }
    context.fireChannelWritabilityChanged()
  }

  private func refuse(_ refusal: RequestHead.Refusal) {
    guard let context else { return }
    writeTrailers(refusal.status, httpStatus: refusal.httpStatus, context: context)
    needsFlush = true
  }

  /// Ends the stream with `status` from the transport's side.
  func abort(_ status: GRPCStatus) {
    guard case .serving(let call) = state, let context else { return }
    call.exchange.end(status)
    call.task.cancel()
    writeTrailers(status, httpStatus: 200, context: context)
    needsFlush = false
    context.flush()
    // The trailers may be stuck behind data that the client does not read.
    let limit = TimeAmount(connection.environment.limits.trailersTimeout)
    context.eventLoop.assumeIsolated().scheduleTask(in: limit) { self.reset() }
  }

  private func reset() {
    if case .closed = state { return }
    context?.close(promise: nil)
  }

  /// Writes END_STREAM, then resets the stream if the client would go on sending.
  private func writeTrailers(
    _ status: GRPCStatus, httpStatus: Int, context: ChannelHandlerContext
  ) {
    state = .ended
    let headers = HTTP2Frame.FramePayload.Headers(
      headers: ResponseHeaders.trailers(
        status, httpStatus: hasSentHeaders ? nil : httpStatus),
      endStream: true)
    guard !inbound.hasEnded else {
      context.write(wrapOutboundOut(.headers(headers)), promise: nil)
      return
    }
    // A reset overtakes what flow control holds back, hence only after the trailers.
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenSuccess {
      guard case .ended = self.state, !self.inbound.hasEnded, let context = self.context
      else { return }
      context.writeAndFlush(self.wrapOutboundOut(.rstStream(.noError)), promise: nil)
    }
    context.write(wrapOutboundOut(.headers(headers)), promise: written)
  }

  private func close() {
    switch state {
    case .closed:
      return
    case .serving(let call):
      call.exchange.end(.cancelled)
      call.task.cancel()
    case .awaitingHeaders, .ended:
      break
    }
    state = .closed
    deadline?.cancel()
    deadline = nil
    if reservedWindow > 0 {
      connection.environment.budget.releaseWindow(reservedWindow)
      reservedWindow = 0
    }
    connection.streamClosed(self)
  }
}
