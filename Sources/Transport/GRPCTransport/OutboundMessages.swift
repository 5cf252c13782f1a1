// What waits to be sent on a stream, and who waits for room: a value with legal transitions, without I/O.

import NIOCore

/// The outbound half of a stream, always under its mutex.
struct OutboundMessages {
  typealias Writer = CheckedContinuation<GRPCStatus?, Never>

  private enum Phase {
    /// → finishing, ended
    case open
    /// Nothing is added; the end, on a server the trailers, follows what is queued → ended
    case finishing(GRPCStatus)
    /// The end is written, or the stream is gone.
    case ended(GRPCStatus)
  }

  private let limit: Int
  private var phase = Phase.open
  private var pending: [ByteBuffer] = []
  private var pendingBytes = 0
  private var isFlushScheduled = false
  private var isWritable = true
  private var writers: [UInt64: Writer] = [:]
  private var lastWriterID: UInt64 = 0

  /// - Parameter limit: Bytes beyond which senders wait.
  init(limit: Int) { self.limit = limit }

  enum Enqueued {
    case queued(needsFlush: Bool, isAboveLimit: Bool)
    case ended(GRPCStatus)
  }

  mutating func enqueue(_ payloads: [ByteBuffer], bytes: Int) -> Enqueued {
    switch phase {
    case .open:
      if pending.isEmpty { pending = payloads } else { pending.append(contentsOf: payloads) }
      pendingBytes += bytes
      let needsFlush = !isFlushScheduled
      isFlushScheduled = true
      return .queued(
        needsFlush: needsFlush, isAboveLimit: !isWritable || pendingBytes > limit)
    case .finishing:
      return .ended(GRPCStatus(.internalError, "send after the end of the stream"))
    case .ended(let status):
      return .ended(status)
    }
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
    if case .ended(let status) = phase { return .proceed(failure: status) }
    if isTaskCancelled { return .proceed(failure: .cancelled) }
    if isWritable && pendingBytes <= limit { return .proceed(failure: nil) }
    writers[id] = writer
    return .wait
  }

  mutating func cancelWriter(_ id: UInt64) -> Writer? {
    writers.removeValue(forKey: id)
  }

  /// Nothing is added any more, and the end follows what is queued.
  ///
  /// - Returns: whether this was not so before; and whether a flush must be scheduled.
  mutating func finish(_ status: GRPCStatus) -> (isNew: Bool, needsFlush: Bool) {
    guard case .open = phase else { return (false, false) }
    phase = .finishing(status)
    let needsFlush = !isFlushScheduled
    isFlushScheduled = true
    return (true, needsFlush)
  }

  struct Outgoing {
    let payloads: [ByteBuffer]
    /// Set when the end follows: what the trailers of a server say.
    let end: GRPCStatus?
  }

  mutating func take() -> Outgoing {
    isFlushScheduled = false
    let payloads = pending
    pending = []
    pendingBytes = 0
    guard case .finishing(let status) = phase else {
      return Outgoing(payloads: payloads, end: nil)
    }
    phase = .ended(status)
    return Outgoing(payloads: payloads, end: status)
  }

  /// The writers to resume.
  mutating func setWritable(_ isWritable: Bool) -> [Writer] {
    self.isWritable = isWritable
    guard isWritable, pendingBytes <= limit, !writers.isEmpty else { return [] }
    let resumed = Array(writers.values)
    writers = [:]
    return resumed
  }

  /// Nothing is sent any more; what is queued is dropped.
  ///
  /// - Returns: who waits.
  mutating func end(_ status: GRPCStatus) -> [Writer] {
    if case .ended = phase {} else { phase = .ended(status) }
    defer { writers = [:] }
    pending = []
    pendingBytes = 0
    return Array(writers.values)
  }
}
