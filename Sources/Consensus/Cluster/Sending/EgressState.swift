// What is sent to one member on one channel, as a value: what waits, and how the stream that takes it is doing.

import Concurrency
import NIOCore

/// One stream to a member after the other, and the queue before it.
///
/// The first message makes the stream. Whatever ends it loses what waits, and then the next stream is made a little
/// later, when there is something to send.
struct EgressState: Sendable {
  typealias Instant = TimeSource.Instant

  private enum Phase {
    /// There is no stream → opening
    case idle
    /// The stream is being made → open, giving up, resting
    case opening
    /// → giving up, resting
    case open(since: Instant)
    /// The stream is being ended from this side, for this reason → resting
    case givingUp(String)
    /// The last stream was lost for this reason; no other is made before this time → idle, opening
    case resting(until: Instant, String)
    /// Final, also if a stream is still being ended.
    case closed(String)
  }

  /// A batch on its way to the transport.
  private struct Sending {
    let number: UInt64
    let since: Instant
    let count: Int
    let bytes: Int
  }

  private let maximumCount: Int
  private let maximumBytes: Int
  /// A stream that lasted as long worked, so that the next one is made at once.
  private let steadyTime: Duration
  private var backoff: Backoff
  private var phase = Phase.idle
  private var queue: [ByteBuffer] = []
  /// Bytes that wait or are being sent.
  private var bytes = 0
  private var sending: Sending?
  private var lastBatch: UInt64 = 0
  /// How many messages were ever taken, and how many of them were sent or lost.
  private var taken: UInt64 = 0
  private var done: UInt64 = 0
  /// How many streams were lost.
  private(set) var losses: UInt64 = 0
  /// The newest series, and how many streams had been lost when it began.
  private var series: (id: EgressSeries, losses: UInt64)?
  private var lastLoss = ""
  /// Whether the last that is known of the member is that it could not be reached.
  private var isUnreachable = false

  init(_ settings: ClusterSettings) {
    maximumCount = max(settings.sendBufferSize, 1)
    maximumBytes = settings.sendBufferBytes
    steadyTime = settings.longestBackoff * 2
    backoff = Backoff(from: settings.shortestBackoff, to: settings.longestBackoff)
  }

  /// Messages that wait or are being sent.
  var count: Int { queue.count + (sending?.count ?? 0) }

  private func hasRoom(for frame: ByteBuffer) -> Bool {
    count == 0 || (count < maximumCount && bytes + frame.readableBytes <= maximumBytes)
  }

  private mutating func enqueue(_ frame: ByteBuffer) {
    queue.append(frame)
    bytes += frame.readableBytes
    taken += 1
  }
}

// MARK: - Those who send

extension EgressState {
  /// What became of a message that may be dropped.
  enum Offer: Sendable, Equatable {
    /// It waits; the stream is there, or being made.
    case queued
    /// It waits, and the caller has to make the stream.
    case first
    /// There is no room. The stream is given up, as it does not keep up.
    case overflow
    /// No stream is to be had now.
    case refused
  }

  /// Takes a message unless there is no room, and never waits.
  mutating func offer(_ frame: ByteBuffer, now: Instant) -> Offer {
    switch phase {
    case .idle: break
    case .resting(let until, _):
      guard until <= now else { return .refused }
    case .opening, .open:
      guard hasRoom(for: frame) else {
        giveUp("send queue overflown")
        return .overflow
      }
      enqueue(frame)
      return .queued
    case .givingUp, .closed: return .refused
    }
    phase = .opening
    enqueue(frame)
    return .first
  }

  /// What became of messages that must not be dropped.
  enum Admission: Sendable, Equatable {
    /// So many of them wait.
    case taken(Int, Receipt, mustOpen: Bool)
    /// No stream is made before this time.
    case later(Instant)
    case refused(String)
  }

  /// Tells whether messages that were taken have been sent.
  struct Receipt: Sendable, Equatable {
    fileprivate let through: UInt64
    fileprivate let losses: UInt64
  }

  /// Takes as many of the messages as there is room for, at least one; nil if they have to wait.
  ///
  /// - Parameter id: The series that they belong to. Refused once the stream is lost on which it began: those before them
  ///   may not have arrived.
  mutating func admit(
    _ frames: ArraySlice<ByteBuffer>, of id: EgressSeries? = nil, now: Instant
  ) -> Admission? {
    if let series, series.id == id, series.losses != losses { return .refused(lastLoss) }
    let mustOpen: Bool
    switch phase {
    case .idle: mustOpen = true
    case .resting(let until, _):
      guard until <= now else { return .later(until) }
      mustOpen = true
    case .opening, .open: mustOpen = false
    case .givingUp: return nil
    case .closed(let reason): return .refused(reason)
    }
    var count = 0
    for frame in frames {
      guard hasRoom(for: frame) else { break }
      enqueue(frame)
      count += 1
    }
    guard count > 0 else { return nil }
    if mustOpen { phase = .opening }
    if let id, series?.id != id { series = (id, losses) }
    return .taken(count, Receipt(through: taken, losses: losses), mustOpen: mustOpen)
  }

  /// Whether messages were sent: true, or the reason why they were lost; nil while that is open.
  func outcome(_ receipt: Receipt) -> Result<Void, EgressLoss>? {
    if losses != receipt.losses { return .failure(EgressLoss(reason: lastLoss)) }
    return done >= receipt.through ? .success(()) : nil
  }

  /// The member has been heard of: it may be tried at once.
  mutating func retryNow() {
    guard case .resting = phase else { return }
    backoff.reset()
    phase = .idle
  }

  /// Ends the stream, for this reason.
  mutating func giveUp(_ reason: String) {
    switch phase {
    case .opening, .open: phase = .givingUp(reason)
    case .idle, .givingUp, .resting, .closed: break
    }
  }

  /// Ends for good.
  mutating func close(_ reason: String) {
    if case .closed = phase { return }
    phase = .closed(reason)
    losses += 1
    lastLoss = reason
    forget()
  }
}

/// A stream was lost, and with it what was to be sent.
struct EgressLoss: Error, Equatable {
  let reason: String
}

// MARK: - The stream

extension EgressState {
  /// The stream is there.
  ///
  /// - Returns: False if nobody wants it any more.
  mutating func opened(now: Instant) -> Bool {
    guard case .opening = phase else { return false }
    phase = .open(since: now)
    return true
  }

  /// What is to be sent next; nil if there is nothing.
  mutating func takeBatch(now: Instant) -> [ByteBuffer]? {
    guard case .open = phase, !queue.isEmpty, sending == nil else { return nil }
    defer { queue = [] }
    lastBatch += 1
    sending = Sending(
      number: lastBatch, since: now, count: queue.count,
      bytes: queue.reduce(0) { $0 + $1.readableBytes })
    return queue
  }

  /// The batch has been sent.
  ///
  /// - Returns: Whether the member can be reached again after it could not.
  mutating func sent() -> Bool {
    guard let sending else { return false }
    bytes -= sending.bytes
    done += UInt64(sending.count)
    self.sending = nil
    defer { isUnreachable = false }
    return isUnreachable
  }

  /// What the one that watches over the stream has to know.
  enum Watch: Sendable, Equatable {
    /// The stream is to be ended.
    case end(String)
    /// This batch is being sent since then.
    case sending(UInt64, since: Instant)
  }

  /// Nil while there is nothing to watch.
  var watch: Watch? {
    if let endReason { return .end(endReason) }
    return sending.map { .sending($0.number, since: $0.since) }
  }

  /// Why the stream is to be ended; nil if it is not.
  var endReason: String? {
    switch phase {
    case .givingUp(let reason), .closed(let reason): reason
    case .idle, .opening, .open, .resting: nil
    }
  }

  /// A loss that others are told of.
  struct Loss: Sendable, Equatable {
    let reason: String
    /// Whether the member could be reached before.
    let isNews: Bool
  }

  /// The stream is gone, or could not be made.
  ///
  /// - Returns: Nil if nobody has to be told, since this has ended for good.
  mutating func ended(_ reason: String, now: Instant) -> Loss? {
    var reason = reason
    switch phase {
    case .closed: return nil
    case .givingUp(let why): reason = why
    case .open(let since): if now - since >= steadyTime { backoff.reset() }
    case .idle, .opening, .resting: break
    }
    phase = .resting(until: now + backoff.next(), reason)
    losses += 1
    lastLoss = reason
    forget()
    defer { isUnreachable = true }
    return Loss(reason: reason, isNews: !isUnreachable)
  }

  private mutating func forget() {
    queue = []
    bytes = 0
    sending = nil
    done = taken
  }
}
