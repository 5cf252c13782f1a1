// One call as its handler sees it: messages in, messages out, with back-pressure both ways.

import Concurrency
import NIOCore
import Synchronization

/// One call, in the hands of its handler.
///
/// Everything between the handler's task and the stream's event loop goes through one mutex-guarded
/// `StreamState`; a hop to the event loop is made once per batch, not per message.
package final class GRPCServerStream: Sendable {
  /// Who calls what.
  package let call: GRPCCall

  /// The client's address as `host:port`.
  package var remoteAddress: String { call.remoteAddress }
  /// The client's verified certificate in DER; empty without client authentication.
  package var peerCertificates: [[UInt8]] { call.peerCertificates }

  /// Runs tasks on the event loop that serves this stream; its type says what it is for.
  package let executor: any TaskExecutor

  private let state: Mutex<StreamState>
  private let eventLoop: any EventLoop
  /// The handler on the event loop; it lets go of this stream when its channel closes.
  private let handler: NIOLoopBound<GRPCStreamHandler>
  private let allocator: ByteBufferAllocator
  private let maximumSendMessageBytes: Int
  private let budget: InboundBudget
  private let observer: any GRPCServerObserver

  init(
    call: GRPCCall, executor: any TaskExecutor, handler: NIOLoopBound<GRPCStreamHandler>,
    channel: any Channel, windowBytes: Int, limits: GRPCServerLimits, budget: InboundBudget,
    observer: any GRPCServerObserver
  ) {
    self.call = call
    self.executor = executor
    self.state = Mutex(
      StreamState(
        windowBytes: windowBytes, outboundLimit: limits.outboundHighWatermarkBytes))
    self.eventLoop = channel.eventLoop
    self.handler = handler
    self.allocator = channel.allocator
    self.maximumSendMessageBytes = min(limits.maximumSendMessageBytes, Int(UInt32.max))
    self.budget = budget
    self.observer = observer
  }

  /// The messages that have arrived and were not taken before, at least one, in order; nil after
  /// the client has half-closed and everything was taken. Suspends until there is something to
  /// return.
  ///
  /// What is not taken holds the stream's flow-control window: a handler that lags stops its
  /// client. One task at a time may wait here.
  ///
  /// - Throws: `.cancelled` when the client is gone or the task is cancelled, `.deadlineExceeded`,
  ///   `.resourceExhausted` for a message above the limit, `.internalError` for broken framing.
  package func nextMessages() async throws(GRPCStatus) -> [[UInt8]]? {
    switch state.withLock({ $0.take() }) {
    case .ready(let arrival, let effect):
      return try received(arrival, effect)
    case .wait:
      break
    }
    let waiting: Arrival = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        switch state.withLock({ $0.wait(continuation, isTaskCancelled: Task.isCancelled) }) {
        case .ready(let arrival, let effect):
          perform(effect)
          continuation.resume(returning: arrival)
        case .wait:
          break
        }
      }
    } onCancel: {
      state.withLock { $0.cancelWaiter() }?.resume(returning: .failed(.cancelled))
    }
    return try received(waiting, .none)
  }

  /// Sends one message; see `send(_:)` for several.
  package func send(_ message: ByteBuffer) async throws(GRPCStatus) {
    try await send([message])
  }

  /// Sends messages in one flush. Returns as soon as they are queued, or suspends while more than
  /// `outboundHighWatermarkBytes` of this stream wait for the client to read.
  ///
  /// - Throws: `.resourceExhausted` for a message above the send limit, and then none is sent;
  ///   otherwise why the stream has ended, `.cancelled` also when the task is cancelled.
  package func send(_ messages: [ByteBuffer]) async throws(GRPCStatus) {
    try await send(messages.map { PrefixedMessage(body: $0) })
  }

  /// As `send(_:)` for buffers; a large body is handed to the socket as it is.
  package func send(_ messages: [PrefixedMessage]) async throws(GRPCStatus) {
    if messages.isEmpty { return }
    for message in messages where message.readableBytes > maximumSendMessageBytes {
      throw GRPCStatus(
        .resourceExhausted,
        "grpc: trying to send message larger than max (\(message.readableBytes) vs. "
          + "\(maximumSendMessageBytes))")
    }
    // On the event loop they are written very soon.
    let (payloads, bytes) = MessageFramer.payloads(
      for: messages, allocator: allocator,
      copyLimit: eventLoop.inEventLoop ? MessageFramer.urgentCopyLimit : MessageFramer.copyLimit)
    let outcome = state.withLock { $0.enqueue(payloads, bytes: bytes) }
    switch outcome {
    case .ended(let status):
      throw status
    case .queued(let needsFlush, let isAboveLimit):
      if needsFlush { scheduleFlush() }
      observer.messagesSent(call, count: messages.count, bytes: bytes - 5 * messages.count)
      if isAboveLimit { try await waitUntilWritable() }
    }
  }

  /// Suspends until the stream has ended (the client is gone, the deadline has passed, the server
  /// stops) or the task is cancelled.
  package func closed() async {
    // The handler's task is cancelled when the stream ends.
    await untilCancelled()
  }

  private func waitUntilWritable() async throws(GRPCStatus) {
    let id = state.withLock { $0.newWriterID() }
    let failure: GRPCStatus? = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result = state.withLock {
          $0.waitUntilWritable(continuation, id: id, isTaskCancelled: Task.isCancelled)
        }
        if case .proceed(let failure) = result { continuation.resume(returning: failure) }
      }
    } onCancel: {
      state.withLock { $0.cancelWriter(id) }?.resume(returning: .cancelled)
    }
    if let failure { throw failure }
  }

  private func received(_ arrival: Arrival, _ effect: TakeEffect) throws(GRPCStatus) -> [[UInt8]]? {
    perform(effect)
    switch arrival {
    case .messages(let messages): return messages
    case .end: return nil
    case .failed(let status): throw status
    }
  }

  private func perform(_ effect: TakeEffect) {
    if effect.freedBytes > 0 { _ = budget.adjustBuffered(by: -effect.freedBytes) }
    if effect.needsGrant {
      eventLoop.execute { [handler] in handler.value.grantWindow() }
    }
  }

  private func scheduleFlush() {
    eventLoop.execute { [handler] in handler.value.flushOutbound() }
  }
}

// MARK: - For the transport

extension GRPCServerStream {
  /// The handler has ended: what is queued is sent, then the trailers.
  ///
  /// - Returns: the status that counts, which is that of broken inbound framing if the handler
  ///   ignored it.
  func finish(_ status: GRPCStatus) -> GRPCStatus {
    let (final, needsFlush) = state.withLock { $0.finish(status) }
    if needsFlush { scheduleFlush() }
    return final
  }

  /// Hands over what one burst of reads brought. On the event loop.
  func deliver(_ burst: InboundBurst) -> StreamState.Delivery {
    let delivery = state.withLock { $0.deliver(burst) }
    delivery.waiter?.continuation.resume(returning: delivery.waiter?.arrival ?? .end)
    return delivery
  }

  /// What may be granted of the window now. On the event loop.
  func takeGrant() -> Int {
    state.withLock { $0.takeGrant() }
  }

  /// Everything that waits to be written. On the event loop.
  func takeOutbound() -> StreamState.Outgoing {
    state.withLock { $0.takeOutbound() }
  }

  /// Tells senders whether they may go on. On the event loop.
  func setWritable(_ isWritable: Bool) {
    for writer in state.withLock({ $0.setWritable(isWritable) }) {
      writer.resume(returning: nil)
    }
  }

  /// Ends the stream from the transport's side: everyone who waits, now or later, gets `status`.
  func end(_ status: GRPCStatus) {
    let ended = state.withLock { $0.end(status) }
    _ = budget.adjustBuffered(by: -ended.freedBytes)
    ended.reader?.resume(returning: .failed(status))
    for writer in ended.writers { writer.resume(returning: status) }
  }
}
