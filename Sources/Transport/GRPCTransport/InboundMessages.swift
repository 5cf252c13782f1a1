// What has arrived on a stream and was not taken yet: a value with legal transitions, without I/O.

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

/// The inbound half of a stream, always under its mutex.
///
/// Window bytes are in one of four places: `held` by messages nobody took, `consumed` by messages
/// that were taken, `partial` in the message that is arriving, or granted again to the peer.
///
/// It keeps its waiter's continuation itself instead of in a `Watched`: this is the path of each burst of
/// messages, and a closure for each wait would be an allocation there.
struct InboundMessages {
  typealias Reader = CheckedContinuation<Arrival, Never>

  private enum Phase {
    /// → halfClosed, failed, ended
    case open(Reader?)
    /// The peer will send nothing more; the queue may hold messages → ended
    case halfClosed
    /// The peer broke a rule or ended the call; the queue may hold messages from before → ended
    case failed(GRPCStatus)
    /// The stream is over.
    case ended(GRPCStatus)
  }

  /// Window is granted in pieces of at least this size.
  private let grantThreshold: Int

  private var phase = Phase.open(nil)
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

  init(windowBytes: Int) { grantThreshold = windowBytes / 4 }

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
      if case .open = phase, !isGrantScheduled, consumed + partial >= grantThreshold {
        isGrantScheduled = true
        needsGrant = true
      }
      return .ready(
        .messages(messages), TakeEffect(freedBytes: freed, needsGrant: needsGrant))
    }
    switch phase {
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
    guard case .open(nil) = phase else {
      let status = GRPCStatus(.internalError, "two tasks wait for messages of one stream")
      return .ready(.failed(status), .none)
    }
    phase = .open(reader)
    return .wait
  }

  mutating func cancelWaiter() -> Reader? {
    guard case .open(let reader?) = phase else { return nil }
    phase = .open(nil)
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
    guard case .open(let reader) = phase else { return Delivery() }
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
    case nil: phase = .open(nil)
    case .halfClosed: phase = .halfClosed
    case .failed(let status): phase = .failed(status)
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
        phase = .open(reader)
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
    guard case .open = phase else { return 0 }
    let grant = held == 0 ? consumed + partial : consumed
    guard grant >= grantThreshold else { return 0 }
    consumed = 0
    if held == 0 { partial = 0 }
    return grant
  }

  /// Why messages broke off; nil if they did not.
  var failure: GRPCStatus? { if case .failed(let status) = phase { status } else { nil } }

  /// Nothing more arrives; what has is still to be taken, and `status` follows it.
  ///
  /// - Returns: who waits, and the bytes that are no longer buffered.
  mutating func close(_ status: GRPCStatus) -> (Reader?, freedBytes: Int) {
    guard case .open(let reader) = phase else { return (nil, 0) }
    phase = .failed(status)
    // Of a message that will never be complete.
    let freed = bufferedPartial
    buffered -= freed
    bufferedPartial = 0
    bufferedSpare = 0
    return (reader, freed)
  }

  /// Nothing more arrives, and what has is dropped.
  ///
  /// - Returns: who waits, and the bytes that are no longer buffered.
  mutating func end(_ status: GRPCStatus) -> (Reader?, freedBytes: Int) {
    var reader: Reader?
    if case .open(let waiting) = phase { reader = waiting }
    if case .ended = phase {} else { phase = .ended(status) }
    let freed = buffered
    queue = []
    held = 0
    buffered = 0
    bufferedPartial = 0
    bufferedSpare = 0
    return (reader, freed)
  }
}
