// Writes requests into files, for finding out what a client really sends.

import Dispatch
import Foundation
import GoText
import Logging
import Synchronization

/// Writes each request of one method into a file of its own in a folder (Fabric:
/// `Debug.BroadcastTraceDir`, `Debug.DeliverTraceDir`).
///
/// The file is named `<nanoseconds since 1970>_<number>.<method>` and holds the message as it arrived.
/// Streams never wait for the disk: beyond a bound, requests are not written, which the log tells. So
/// does a file that cannot be written. Nobody but the operator removes files.
final class RequestTracer: Sendable {
  /// Requests that may wait to be written.
  static let maximumWaiting = 2_000
  /// Bytes of requests that may wait to be written, unless a single one has more.
  static let maximumWaitingBytes = 64 << 20
  /// The log is told of failures once in this time.
  static let reminder = Duration.seconds(60)

  private struct State {
    var waiting: [(name: String, request: [UInt8])] = []
    var waitingBytes = 0
    var isWriting = false
    /// Makes names unique, where Fabric has the address of an object.
    var count: UInt64 = 0
    /// Requests that were not written since the log was told, and why the last was not.
    var lost = 0
    var reason = ""
    var told: ContinuousClock.Instant?
  }

  private let directory: String
  private let method: String
  private let setting: String
  private let logger: Logger
  private let queue: DispatchQueue
  private let state = Mutex(State())

  /// nil if `directory` is empty, which means no traces.
  ///
  /// - Parameters:
  ///   - directory: It is not created: if it is missing, the log says so with the first request.
  ///   - method: `Broadcast` or `Deliver`.
  init?(directory: String, method: String, logger: Logger) {
    guard !directory.isEmpty else { return nil }
    self.directory = directory
    self.method = method
    self.logger = logger
    setting = "Debug.\(method)TraceDir"
    queue = DispatchQueue(label: "traces of \(method)", qos: .utility)
  }

  /// Takes requests that arrived together, and returns at once.
  func trace(_ requests: [[UInt8]]) {
    let nanoseconds = UnixTime.now().inNanoseconds
    let (begins, warning) = state.withLock { state in
      for request in requests {
        state.count &+= 1
        guard state.waiting.count < Self.maximumWaiting,
          state.waiting.isEmpty || state.waitingBytes + request.count <= Self.maximumWaitingBytes
        else {
          state.lost += 1
          state.reason = "more arrive than the disk takes"
          continue
        }
        let number = String(state.count, radix: 16)
        state.waiting.append(("\(nanoseconds)_0x\(number).\(method)", request))
        state.waitingBytes += request.count
      }
      defer { state.isWriting = state.isWriting || !state.waiting.isEmpty }
      return (!state.isWriting && !state.waiting.isEmpty, self.warning(&state))
    }
    if let warning { logger.warning("\(warning)") }
    if begins { queue.async { self.writeAll() } }
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
      let requests = state.withLock { state in
        defer {
          state.waiting = []
          state.waitingBytes = 0
        }
        if state.waiting.isEmpty { state.isWriting = false }
        return state.waiting
      }
      if requests.isEmpty { return }
      for (name, request) in requests {
        guard let reason = write(request, to: "\(directory)/\(name)") else { continue }
        let warning = state.withLock { state in
          state.lost += 1
          state.reason = reason
          return self.warning(&state)
        }
        if let warning { logger.warning("\(warning)") }
      }
    }
  }

  /// What the log is to be told now, if anything.
  private func warning(_ state: inout State) -> String? {
    guard state.lost > 0, state.told.map({ $0.duration(to: .now) >= Self.reminder }) ?? true else {
      return nil
    }
    defer {
      state.told = .now
      state.lost = 0
    }
    return """
      \(state.lost) request(s) of \(method) are not in \(directory) (\(setting)): \(state.reason). \
      Requests are served all the same
      """
  }

  /// The reason if it fails.
  private func write(_ request: [UInt8], to path: String) -> String? {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o660)
    guard descriptor >= 0 else { return String(cString: strerror(errno)) }
    defer { close(descriptor) }
    var written = 0
    while written < request.count {
      let count = request.withUnsafeBytes { bytes in
        Foundation.write(
          descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return String(cString: strerror(errno)) }
      written += count
    }
    return nil
  }
}
