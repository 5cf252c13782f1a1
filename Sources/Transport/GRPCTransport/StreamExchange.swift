// Where the task of a call and its stream's event loop meet, on either side of a connection.

import NIOCore
import Synchronization

/// What a stream's channel handler does when its task asks for it. On the event loop.
protocol StreamPump: AnyObject {
  /// Grants the window that the task's progress has freed.
  func grantWindow()
  /// Writes what the task has sent, and the end once it has come.
  func flushOutbound()
}

/// Messages in, messages out, with back-pressure both ways.
///
/// Everything between the task and the event loop goes through one mutex-guarded ``StreamState``; a hop to the
/// event loop is made once per batch, not per message.
final class StreamExchange: Sendable {
  /// The bounds of one stream.
  struct Bounds {
    /// The window that the peer was given.
    let windowBytes: Int
    /// `send` suspends while more than this many bytes wait for the peer.
    let outboundBytes: Int
    let maximumSendMessageBytes: Int
  }

  let eventLoop: any EventLoop
  private let state: Mutex<StreamState>
  /// The handler on the event loop; it lets go of this exchange when its channel closes.
  private let pump: NIOLoopBound<any StreamPump>
  private let allocator: ByteBufferAllocator
  private let maximumSendMessageBytes: Int
  private let budget: InboundBudget

  init(
    pump: NIOLoopBound<any StreamPump>, allocator: ByteBufferAllocator, bounds: Bounds,
    budget: InboundBudget
  ) {
    state = Mutex(
      StreamState(windowBytes: bounds.windowBytes, outboundLimit: bounds.outboundBytes))
    eventLoop = pump.eventLoop
    self.pump = pump
    self.allocator = allocator
    maximumSendMessageBytes = min(bounds.maximumSendMessageBytes, Int(UInt32.max))
    self.budget = budget
  }

  deinit {
    // What nobody has taken.
    _ = budget.adjustBuffered(by: -state.withLock { $0.end(.cancelled).freedBytes })
  }

  // MARK: Receiving

  /// The messages that have arrived and were not taken before, at least one, in order; nil after the peer's end
  /// once everything was taken. Suspends until there is something to return. One task at a time may wait here.
  ///
  /// - Throws: why the stream has ended, `.cancelled` also when the task is cancelled.
  func nextMessages() async throws(GRPCStatus) -> [[UInt8]]? {
    switch state.withLock({ $0.inbound.take() }) {
    case .ready(let arrival, let effect):
      return try received(arrival, effect)
    case .wait:
      break
    }
    let waiting: Arrival = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        switch state.withLock({ $0.inbound.wait(continuation, isTaskCancelled: Task.isCancelled) })
        {
        case .ready(let arrival, let effect):
          perform(effect)
          continuation.resume(returning: arrival)
        case .wait:
          break
        }
      }
    } onCancel: {
      state.withLock { $0.inbound.cancelWaiter() }?.resume(returning: .failed(.cancelled))
    }
    return try received(waiting, .none)
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
      eventLoop.execute { [pump] in pump.value.grantWindow() }
    }
  }

  // MARK: Sending

  /// Queues messages for one flush, then suspends while more than the outbound bound waits for the peer.
  ///
  /// - Parameter queued: Told the bytes of the messages before this waits.
  /// - Throws: `.resourceExhausted` for a message above the send limit, and then none is sent; otherwise why the
  ///   stream has ended, `.cancelled` also when the task is cancelled.
  func send(
    _ messages: [PrefixedMessage], queued: (_ bytes: Int) -> Void = { _ in }
  ) async throws(GRPCStatus) {
    if messages.isEmpty { return }
    let (bytes, isAboveLimit) = try queue(messages)
    queued(bytes)
    if isAboveLimit { try await waitUntilWritable() }
  }

  private func queue(
    _ messages: [PrefixedMessage]
  ) throws(GRPCStatus) -> (bytes: Int, isAboveLimit: Bool) {
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
    switch state.withLock({ $0.outbound.enqueue(payloads, bytes: bytes) }) {
    case .ended(let status):
      throw status
    case .queued(let needsFlush, let isAboveLimit):
      if needsFlush { scheduleFlush() }
      return (bytes - MessageFramer.prefixLength * messages.count, isAboveLimit)
    }
  }

  private func waitUntilWritable() async throws(GRPCStatus) {
    let id = state.withLock { $0.outbound.newWriterID() }
    let failure: GRPCStatus? = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result = state.withLock {
          $0.outbound.waitUntilWritable(continuation, id: id, isTaskCancelled: Task.isCancelled)
        }
        if case .proceed(let failure) = result { continuation.resume(returning: failure) }
      }
    } onCancel: {
      state.withLock { $0.outbound.cancelWriter(id) }?.resume(returning: .cancelled)
    }
    if let failure { throw failure }
  }

  /// Nothing more will be sent: what is queued goes out, then the end.
  ///
  /// - Returns: the status that counts, which is that of broken inbound framing if `status` is OK.
  @discardableResult
  func finish(_ status: GRPCStatus) -> GRPCStatus {
    let (final, needsFlush) = state.withLock { $0.finish(status) }
    if needsFlush { scheduleFlush() }
    return final
  }

  private func scheduleFlush() {
    eventLoop.execute { [pump] in pump.value.flushOutbound() }
  }
}

// MARK: - For the stream's handler

extension StreamExchange {
  /// What a delivery means for the stream.
  enum Delivered {
    /// This much window is to be granted.
    case granted(Int)
    /// All streams together hold too many messages that nobody takes.
    case overBudget
  }

  /// Hands over what one burst of reads brought.
  func deliver(_ burst: InboundBurst) -> Delivered {
    let delivery = state.withLock { $0.inbound.deliver(burst) }
    delivery.waiter?.continuation.resume(returning: delivery.waiter?.arrival ?? .end)
    let fits = budget.adjustBuffered(by: delivery.bufferedChange)
    return fits || delivery.bufferedChange <= 0 ? .granted(delivery.grant) : .overBudget
  }

  /// What may be granted of the window now.
  func takeGrant() -> Int {
    state.withLock { $0.inbound.takeGrant() }
  }

  /// Everything that waits to be written.
  func takeOutbound() -> OutboundMessages.Outgoing {
    state.withLock { $0.outbound.take() }
  }

  /// Tells senders whether they may go on.
  func setWritable(_ isWritable: Bool) {
    for writer in state.withLock({ $0.outbound.setWritable(isWritable) }) {
      writer.resume(returning: nil)
    }
  }

  /// The stream is over, and what it brought is of no use: everyone who waits, now or later, gets `status`.
  func end(_ status: GRPCStatus) {
    conclude(status, state.withLock { $0.end(status) })
  }

  /// The stream is over, but what has arrived is still to be taken; `status` comes after it.
  func close(_ status: GRPCStatus) {
    conclude(status, state.withLock { $0.close(status) })
  }

  private func conclude(_ status: GRPCStatus, _ ended: StreamState.Ended) {
    _ = budget.adjustBuffered(by: -ended.freedBytes)
    ended.reader?.resume(returning: .failed(status))
    for writer in ended.writers { writer.resume(returning: status) }
  }
}
