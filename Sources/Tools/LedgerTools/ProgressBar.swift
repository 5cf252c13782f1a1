// Shows on a terminal how far long work has come.

import Concurrency
import Foundation
import Storage

/// A line that is overwritten again and again. Writes nothing if there is no terminal.
package struct ProgressBar: ~Copyable {
  private static let width = 30
  private static let interval = Duration.milliseconds(100)

  private let label: String
  private let isShown: Bool
  private let write: (String) -> Void
  private let time: any TimeSource
  private let started: ContinuousClock.Instant
  private var last: ContinuousClock.Instant?
  private var length = 0

  /// - Parameters:
  ///   - isShown: Whether to show anything; by default if standard error is a terminal.
  ///   - write: Where the line goes; standard error by default.
  package init(
    label: String, time: any TimeSource, isShown: Bool = isatty(STDERR_FILENO) == 1,
    write: @escaping (String) -> Void = { StandardStreams.writeToError($0) }
  ) {
    self.label = label
    self.time = time
    started = time.now
    self.isShown = isShown
    self.write = write
  }

  /// Shows that `done` of `total` is done, at most ten times per second.
  package mutating func update(done: Int64, total: Int64, detail: String) {
    guard isShown else { return }
    let now = time.now
    if let last, last.duration(to: now) < Self.interval { return }
    last = now
    let part = total > 0 ? min(1, Double(done) / Double(total)) : 1
    let filled = Int(part * Double(Self.width))
    let bar =
      String(repeating: "=", count: filled) + (filled < Self.width ? ">" : "")
      + String(repeating: " ", count: max(0, Self.width - filled - 1))
    show("\(label) [\(bar)] \(Int(part * 100))% \(detail)\(remaining(part, now))")
  }

  /// Removes the line.
  package mutating func finish() {
    guard isShown, length > 0 else { return }
    write("\r" + String(repeating: " ", count: length) + "\r")
    length = 0
  }

  private func remaining(_ part: Double, _ now: ContinuousClock.Instant) -> String {
    let elapsed = started.duration(to: now) / .seconds(1)
    guard part > 0.01, part < 1, elapsed > 2 else { return "" }
    return ", \(Int(elapsed / part * (1 - part)) + 1) s left"
  }

  private mutating func show(_ text: String) {
    let padding = String(repeating: " ", count: max(0, length - text.count))
    write("\r" + text + padding)
    length = text.count
  }
}
