// What the task of a call and its stream's event loop share: a value with legal transitions, without I/O.

import NIOCore

/// What `nextMessages` learns.
enum Arrival: Sendable {
  case messages([[UInt8]])
  case end
  case failed(GRPCStatus)
}

/// What must be done after messages were taken.
struct TakeEffect: Sendable {
  static let none = TakeEffect(freedBytes: 0, needsGrant: false)

  /// Bytes that are no longer buffered.
  let freedBytes: Int
  /// Whether the event loop must be asked to grant window.
  let needsGrant: Bool
}

/// What one burst of reads brought on a stream.
struct InboundBurst: Sendable {
  enum End: Sendable {
    case halfClosed
    case failed(GRPCStatus)
  }

  /// The messages that became complete.
  var messages: [[UInt8]]
  /// Window bytes received in this burst, padding included.
  var receivedBytes: Int
  /// Bytes of the message that is not complete yet.
  var partialBytes: Int
  /// Memory reserved for that message beyond these.
  var spareBytes = 0
  /// Set when nothing will follow.
  var end: End?
}

/// The state of one stream, always under its mutex.
///
/// Window bytes are in one of four places: `held` by messages nobody took, `consumed` by messages
/// that were taken, `partial` in the message that is arriving, or granted again to the peer.
///
/// It keeps its waiters' continuations itself instead of in a `Watched`: this is the path of each burst of
/// messages, and a closure for each wait would be an allocation there.
struct StreamState {
  typealias Reader = CheckedContinuation<Arrival, Never>
  typealias Writer = CheckedContinuation<GRPCStatus?, Never>

  private enum Inbound {
    /// → halfClosed, failed, ended
    case open(Reader?)
    /// The peer will send nothing more; the queue may hold messages → ended
    case halfClosed
    /// The peer broke a rule or ended the call; the queue may hold messages from before → ended
    case failed(GRPCStatus)
    /// The stream is over.
    case ended(GRPCStatus)
  }

  private enum Outbound {
    /// → finishing, ended
    case open
    /// Nothing is added; the end, on a server the trailers, follows what is queued → ended
    case finishing(GRPCStatus)
    /// The end is written, or the stream is gone.
    case ended(GRPCStatus)
  }

  private let outboundLimit: Int
  /// Window is granted in pieces of at least this size.
  private let grantThreshold: Int

  private var inbound = Inbound.open(nil)
  private var queue: [[UInt8]] = []
  private var held = 0
  private var consumed = 0
  private var partial = 0
  /// Bytes buffered for this stream as the budget counts them.
  private var buffered = 0
  /// The part of `buffered` that belongs to the message that is arriving, with the memory reserved for
  /// it.
  private var bufferedPartial = 0
  /// The memory in `bufferedPartial` that no byte has arrived for.
  private var bufferedSpare = 0
  private var isGrantScheduled = false

  private var outbound = Outbound.open
  private var pending: [ByteBuffer] = []
  private var pendingBytes = 0
  private var isFlushScheduled = false
  private var isWritable = true
  private var writers: [UInt64: Writer] = [:]
  private var lastWriterID: UInt64 = 0

  init(windowBytes: Int, outboundLimit: Int) {
    self.grantThreshold = windowBytes / 4
    self.outboundLimit = outboundLimit
  }
}

// MARK: - Inbound

extension StreamState {
  enum Take {
    case ready(Arrival, TakeEffect)
    case wait
  }

  /// Takes what there is.
  mutating func take() -> Take {
    if !queue.isEmpty {
      let messages = queue
      queue = []
      consumed += held
      held = 0
      let freed = buffered - bufferedPartial
      buffered = bufferedPartial
      var needsGrant = false
      if case .open = inbound, !isGrantScheduled, consumed + partial >= grantThreshold {
        isGrantScheduled = true
        needsGrant = true
      }
      return .ready(
        .messages(messages), TakeEffect(freedBytes: freed, needsGrant: needsGrant))
    }
    switch inbound {
    case .open: return .wait
    case .halfClosed: return .ready(.end, .none)
    case .failed(let status), .ended(let status): return .ready(.failed(status), .none)
    }
  }

  /// Takes what has arrived meanwhile, or lets `reader` wait.
  mutating func wait(_ reader: Reader, isTaskCancelled: Bool) -> Take {
    if isTaskCancelled { return .ready(.failed(.cancelled), .none) }
    let taken = take()
    guard case .wait = taken else { return taken }
    guard case .open(nil) = inbound else {
      let status = GRPCStatus(.internalError, "two tasks wait for messages of one stream")
      return .ready(.failed(status), .none)
    }
    inbound = .open(reader)
    return .wait
  }

  mutating func cancelWaiter() -> Reader? {
    guard case .open(let reader?) = inbound else { return nil }
    inbound = .open(nil)
    return reader
  }

  struct Delivery {
    /// To be resumed, outside of the lock.
    var waiter: (continuation: Reader, arrival: Arrival)?
    /// Window to be granted now.
    var grant = 0
    /// The change of buffered bytes, for the budget.
    var bufferedChange = 0
  }

  mutating func deliver(_ burst: InboundBurst) -> Delivery {
    guard case .open(let reader) = inbound else { return Delivery() }
    // The newest bytes are those of the partial message; older ones of it may be granted already.
    let ungranted = partial + burst.receivedBytes
    partial = min(ungranted, burst.partialBytes)
    held += ungranted - partial
    let before = buffered
    buffered += burst.receivedBytes + burst.spareBytes - bufferedSpare
    bufferedPartial = burst.partialBytes + burst.spareBytes
    bufferedSpare = burst.spareBytes
    if queue.isEmpty { queue = burst.messages } else { queue.append(contentsOf: burst.messages) }

    switch burst.end {
    case nil: inbound = .open(nil)
    case .halfClosed: inbound = .halfClosed
    case .failed(let status): inbound = .failed(status)
    }
    var delivery = Delivery()
    if queue.isEmpty {
      // Nothing but padding or a part of a message.
      consumed += held
      held = 0
      buffered = bufferedPartial
    }
    if let reader {
      // `take` marks a grant as scheduled; it is made below, here on the event loop.
      switch take() {
      case .ready(let arrival, _):
        delivery.waiter = (reader, arrival)
      case .wait:
        inbound = .open(reader)
      }
      isGrantScheduled = false
    }
    delivery.grant = takeGrant(isRequested: false)
    delivery.bufferedChange = buffered - before
    return delivery
  }

  /// The window to grant after a request by `take`.
  mutating func takeGrant() -> Int {
    takeGrant(isRequested: true)
  }

  /// While messages are held, the partial one grants nothing: the handler must catch up first.
  private mutating func takeGrant(isRequested: Bool) -> Int {
    if isRequested { isGrantScheduled = false }
    guard case .open = inbound else { return 0 }
    let grant = held == 0 ? consumed + partial : consumed
    guard grant >= grantThreshold else { return 0 }
    consumed = 0
    if held == 0 { partial = 0 }
    return grant
  }
}

// MARK: - Outbound

extension StreamState {
  enum Enqueued {
    case queued(needsFlush: Bool, isAboveLimit: Bool)
    case ended(GRPCStatus)
  }

  mutating func enqueue(_ payloads: [ByteBuffer], bytes: Int) -> Enqueued {
    switch outbound {
    case .open:
      if pending.isEmpty { pending = payloads } else { pending.append(contentsOf: payloads) }
      pendingBytes += bytes
      let needsFlush = !isFlushScheduled
      isFlushScheduled = true
      return .queued(
        needsFlush: needsFlush, isAboveLimit: !isWritable || pendingBytes > outboundLimit)
    case .finishing:
      return .ended(GRPCStatus(.internalError, "send after the end of the stream"))
    case .ended(let status):
      return .ended(status)
    }
  }

  /// Whether senders need not wait. So it is when the stream is over: then they learn that.
  var hasRoom: Bool {
    guard case .open = outbound else { return true }
    return isWritable && pendingBytes <= outboundLimit
  }

  mutating func newWriterID() -> UInt64 {
    lastWriterID &+= 1
    return lastWriterID
  }

  enum Writability {
    case proceed(failure: GRPCStatus?)
    case wait
  }

  mutating func waitUntilWritable(
    _ writer: Writer, id: UInt64, isTaskCancelled: Bool
  ) -> Writability {
    if case .ended(let status) = outbound { return .proceed(failure: status) }
    if isTaskCancelled { return .proceed(failure: .cancelled) }
    if isWritable && pendingBytes <= outboundLimit { return .proceed(failure: nil) }
    writers[id] = writer
    return .wait
  }

  mutating func cancelWriter(_ id: UInt64) -> Writer? {
    writers.removeValue(forKey: id)
  }

  /// The status that counts and whether a flush must be scheduled.
  mutating func finish(_ status: GRPCStatus) -> (GRPCStatus, needsFlush: Bool) {
    guard case .open = outbound else { return (status, false) }
    var final = status
    if status.code == .ok, case .failed(let failure) = inbound { final = failure }
    outbound = .finishing(final)
    let needsFlush = !isFlushScheduled
    isFlushScheduled = true
    return (final, needsFlush)
  }

  struct Outgoing {
    let payloads: [ByteBuffer]
    /// Set when the end follows: what the trailers of a server say.
    let end: GRPCStatus?
  }

  mutating func takeOutbound() -> Outgoing {
    isFlushScheduled = false
    let payloads = pending
    pending = []
    pendingBytes = 0
    guard case .finishing(let status) = outbound else {
      return Outgoing(payloads: payloads, end: nil)
    }
    outbound = .ended(status)
    return Outgoing(payloads: payloads, end: status)
  }

  /// The writers to resume.
  mutating func setWritable(_ isWritable: Bool) -> [Writer] {
    self.isWritable = isWritable
    guard isWritable, pendingBytes <= outboundLimit, !writers.isEmpty else { return [] }
    let resumed = Array(writers.values)
    writers = [:]
    return resumed
  }

  struct Ended {
    let reader: Reader?
    let writers: [Writer]
    let freedBytes: Int
  }

  /// The stream is over: what is queued to be sent is dropped; what has arrived is not, and `status` follows it.
  mutating func close(_ status: GRPCStatus) -> Ended {
    var reader: Reader?
    var freed = 0
    if case .open(let waiting) = inbound {
      reader = waiting
      inbound = .failed(status)
      // Of a message that will never be complete.
      freed = bufferedPartial
      buffered -= bufferedPartial
      bufferedPartial = 0
      bufferedSpare = 0
    }
    if case .ended = outbound {} else { outbound = .ended(status) }
    defer { writers = [:] }
    pending = []
    pendingBytes = 0
    return Ended(reader: reader, writers: Array(writers.values), freedBytes: freed)
  }

  /// The stream is over: queued messages of both directions are dropped.
  mutating func end(_ status: GRPCStatus) -> Ended {
    var reader: Reader?
    if case .open(let waiting) = inbound { reader = waiting }
    if case .ended = inbound {} else { inbound = .ended(status) }
    if case .ended = outbound {} else { outbound = .ended(status) }
    let ended = Ended(reader: reader, writers: Array(writers.values), freedBytes: buffered)
    writers = [:]
    queue = []
    held = 0
    buffered = 0
    bufferedPartial = 0
    bufferedSpare = 0
    pending = []
    pendingBytes = 0
    return ended
  }
}
