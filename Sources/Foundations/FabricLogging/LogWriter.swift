// The bounded queue between the callers of a logger and the thread that writes.

import Dispatch
import Foundation
import GoText
import Synchronization

/// Takes records from any thread without ever blocking it, and writes them on a thread of its own.
///
/// When the queue is full new records are dropped and counted, and the writer reports the number
/// with the next lines: a slow reader of standard error must not stop ordering.
final class LogWriter: Sendable {
  /// How much may wait.
  struct Limits: Sendable {
    /// Records in the queue.
    var entries = 16_384
    /// Estimated bytes in the queue. A single larger record passes if nothing else waits.
    var bytes = 16 * 1024 * 1024
  }

  private enum Phase {
    /// → sleeping, stopping
    case writing
    /// The thread waits to be woken. → writing, stopping
    case sleeping
    /// Nothing more is taken; the thread ends once the queue is empty.
    case stopping
  }

  private struct State {
    var phase = Phase.writing
    var queue: [LogRecord] = []
    var queuedBytes = 0
    var accepted: UInt64 = 0
    var written: UInt64 = 0
    var unreportedDrops: UInt64 = 0
    var waiters: [(upTo: UInt64, semaphore: DispatchSemaphore)] = []
  }

  private let limits: Limits
  private let sink: any LogSink
  private let format: Mutex<LogFormat>
  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)
  private let drops = Atomic<UInt64>(0)
  private let now: @Sendable () -> UnixTime

  /// - Parameter now: The wall clock.
  init(
    format: LogFormat, sink: any LogSink, limits: Limits, now: @escaping @Sendable () -> UnixTime
  ) {
    self.now = now
    self.format = Mutex(format)
    self.sink = sink
    self.limits = limits
  }

  /// Starts the writer's thread, which keeps this object alive until `stop`.
  func start() {
    let thread = Thread { [self] in run() }
    thread.name = "log writer"
    thread.start()
  }

  /// Ends the thread once everything accepted so far is written.
  func stop() {
    state.withLock { $0.phase = .stopping }
    wake.signal()
  }

  /// How many records were dropped since the start.
  var dropped: UInt64 { drops.load(ordering: .relaxed) }

  /// Records that are written from now on have this format.
  func setFormat(_ format: LogFormat) { self.format.withLock { $0 = format } }

  /// Queues a record; false if it was dropped.
  func enqueue(_ record: LogRecord) -> Bool {
    let size = record.estimatedSize
    let (accepted, wakeUp) = state.withLock { state -> (Bool, Bool) in
      let full =
        state.queue.count >= limits.entries
        || (state.queuedBytes > 0 && state.queuedBytes + size > limits.bytes)
      if full || state.phase == .stopping {
        state.unreportedDrops += 1
        return (false, false)
      }
      state.queue.append(record)
      state.queuedBytes += size
      state.accepted += 1
      guard state.phase == .sleeping else { return (true, false) }
      state.phase = .writing
      return (true, true)
    }
    if wakeUp { wake.signal() }
    if !accepted { drops.wrappingAdd(1, ordering: .relaxed) }
    return accepted
  }

  /// Waits until everything queued before the call is written; false if that took too long.
  func flush(timeout: Duration) -> Bool {
    let semaphore = state.withLock { state -> DispatchSemaphore? in
      guard state.written < state.accepted else { return nil }
      let semaphore = DispatchSemaphore(value: 0)
      state.waiters.append((state.accepted, semaphore))
      return semaphore
    }
    guard let semaphore else { return true }
    let (seconds, attoseconds) = timeout.components
    let interval = Double(seconds) + Double(attoseconds) / 1e18
    return semaphore.wait(timeout: .now() + interval) == .success
  }

  // MARK: The writer's thread

  private func run() {
    var encoder = RecordEncoder()
    while true {
      let (records, drops, stop) = state.withLock { state -> ([LogRecord], UInt64, Bool) in
        let records = state.queue
        state.queue = []
        state.queuedBytes = 0
        let drops = state.unreportedDrops
        state.unreportedDrops = 0
        guard records.isEmpty, drops == 0 else { return (records, drops, false) }
        if state.phase != .stopping { state.phase = .sleeping }
        return ([], 0, state.phase == .stopping)
      }
      if stop { return }
      if records.isEmpty, drops == 0 {
        wake.wait()
        continue
      }
      write(records, drops: drops, encoder: &encoder)
      finish(UInt64(records.count))
    }
  }

  private func write(_ records: [LogRecord], drops: UInt64, encoder: inout RecordEncoder) {
    let format = format.withLock { $0 }
    var lines: [UInt8] = []
    for record in records {
      encoder.append(record, format: format, to: &lines)
      if lines.count >= 64 * 1024 {
        sink.write(lines)
        lines.removeAll(keepingCapacity: true)
      }
    }
    if drops > 0 { encoder.append(dropReport(drops), format: format, to: &lines) }
    if !lines.isEmpty { sink.write(lines) }
  }

  private func finish(_ count: UInt64) {
    let done = state.withLock { state -> [DispatchSemaphore] in
      state.written += count
      let done = state.waiters.filter { $0.upTo <= state.written }.map(\.semaphore)
      state.waiters.removeAll { $0.upTo <= state.written }
      return done
    }
    for semaphore in done { semaphore.signal() }
  }

  private func dropReport(_ drops: UInt64) -> LogRecord {
    LogRecord(
      time: now(), level: .warn, name: "flogging",
      message: "\(drops) log entries were dropped because the reader of the log is too slow",
      fields: [], function: #function, file: #fileID, line: #line)
  }
}
