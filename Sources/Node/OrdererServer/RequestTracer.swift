// Writes requests into files, for finding out what a client really sends.

import Concurrency
import Dispatch
import GoText
import Logging
import Storage
import Synchronization

/// Writes each request of one method into a file of its own in a folder (Fabric:
/// `Debug.BroadcastTraceDir`, `Debug.DeliverTraceDir`).
///
/// The file is named `<nanoseconds since 1970>_<number>.<method>` and holds the message as it arrived.
/// Streams never wait for the disk: requests beyond a bound are not written, and the log says so, as it
/// does of a file that cannot be written. Only the operator removes files.
final class RequestTracer: Sendable {
  /// Requests that may wait to be written.
  static let maximumWaiting = 2_000
  /// Bytes of requests that may wait to be written, unless a single one has more.
  static let maximumWaitingBytes = 64 << 20
  /// Failures are logged at most once in this time.
  static let reminder = Duration.seconds(60)

  private enum Writer {
    /// Nothing waits. → writing
    case idle
    /// → idle, once nothing waits any more
    case writing
  }

  private struct State {
    var writer = Writer.idle
    var waiting: [(name: String, request: [UInt8])] = []
    var waitingBytes = 0
    /// Makes names unique, where Fabric has the address of an object.
    var count: UInt64 = 0
    var losses = Losses()

    /// Whether the writer has to be woken.
    mutating func wakeWriter() -> Bool {
      guard case .idle = writer, !waiting.isEmpty else { return false }
      writer = .writing
      return true
    }

    /// What the writer writes next; nothing ends its work.
    mutating func takeWaiting() -> [(name: String, request: [UInt8])] {
      if waiting.isEmpty { writer = .idle }
      defer {
        waiting = []
        waitingBytes = 0
      }
      return waiting
    }
  }

  /// Requests that were not written since the last log entry, and why the last was not.
  private struct Losses {
    private var count = 0
    private var reason = ""
    private var told: TimeSource.Instant?

    mutating func add(_ reason: String) {
      count += 1
      self.reason = reason
    }

    /// How many, and why, if they should be logged now.
    mutating func take(at now: TimeSource.Instant) -> (count: Int, reason: String)? {
      guard count > 0, told.map({ now - $0 >= RequestTracer.reminder }) ?? true else { return nil }
      defer {
        told = now
        count = 0
      }
      return (count, reason)
    }
  }

  private let directory: String
  private let method: String
  private let setting: String
  private let time: any TimeSource
  private let now: @Sendable () -> UnixTime
  private let logger: Logger
  private let queue: DispatchQueue
  private let state = Mutex(State())

  /// nil if `directory` is empty, which means no traces.
  ///
  /// - Parameters:
  ///   - directory: It is not created: if it is missing, the log says so with the first request.
  ///   - method: `Broadcast` or `Deliver`.
  ///   - now: The wall clock, which files are named after.
  init?(
    directory: String, method: String, time: any TimeSource,
    now: @escaping @Sendable () -> UnixTime = UnixTime.now, logger: Logger
  ) {
    guard !directory.isEmpty else { return nil }
    self.directory = directory
    self.method = method
    self.time = time
    self.now = now
    self.logger = logger
    setting = "Debug.\(method)TraceDir"
    queue = DispatchQueue(label: "traces of \(method)", qos: .utility)
  }

  /// Takes requests that arrived together, and returns at once.
  func trace(_ requests: [[UInt8]]) {
    let nanoseconds = now().inNanoseconds
    let (wakesWriter, losses) = state.withLock { state in
      for request in requests {
        state.count &+= 1
        guard state.waiting.count < Self.maximumWaiting,
          state.waiting.isEmpty || state.waitingBytes + request.count <= Self.maximumWaitingBytes
        else {
          state.losses.add("more arrive than the disk takes")
          continue
        }
        let number = String(state.count, radix: 16)
        state.waiting.append(("\(nanoseconds)_0x\(number).\(method)", request))
        state.waitingBytes += request.count
      }
      return (state.wakeWriter(), state.losses.take(at: time.now))
    }
    warn(of: losses)
    if wakesWriter { queue.async { self.writeAll() } }
  }

  /// Returns when everything that was taken has been written or has failed.
  func finish() async {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume() }
    }
  }

  /// On the queue.
  private func writeAll() {
    while true {
      let requests = state.withLock { $0.takeWaiting() }
      if requests.isEmpty { return }
      for (name, request) in requests {
        guard let reason = write(request, to: "\(directory)/\(name)") else { continue }
        warn(
          of: state.withLock { state in
            state.losses.add(reason)
            return state.losses.take(at: time.now)
          })
      }
    }
  }

  private func warn(of losses: (count: Int, reason: String)?) {
    guard let losses else { return }
    logger.warning(
      """
      \(losses.count) request(s) of \(method) are not in \(directory) (\(setting)): \(losses.reason). \
      Requests are served all the same
      """)
  }

  /// The reason if it fails.
  private func write(_ request: [UInt8], to path: String) -> String? {
    do throws(StorageError) {
      try File(path, .replacing).write(request, at: 0)
      return nil
    } catch {
      return error.reason
    }
  }
}
