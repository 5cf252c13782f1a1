// Runs a batch timer for the task that drives a core.

import Concurrency

/// The clock beside a core's ``BatchTimer``: wakes the chain's task when the running timer has expired, and
/// tells the task which one that was.
///
/// A value of that task. The clock decides whether a timer has expired, not the wake-up, so a
/// wake-up that comes late or twice does no harm.
package struct BatchAlarm: Sendable {
  private struct Running {
    let id: BatchTimer.ID
    let deadline: TimeSource.Instant
    let alarm: Alarm
  }

  private let time: any TimeSource
  private let wake: @Sendable () -> Void
  private var running: Running?

  /// - Parameter wake: Makes the chain's task look here.
  package init(time: any TimeSource, wake: @escaping @Sendable () -> Void) {
    self.time = time
    self.wake = wake
  }

  /// Starts a timer, in place of a running one.
  package mutating func start(_ id: BatchTimer.ID, for timeout: Duration) {
    stop()
    let deadline = time.now + timeout
    let wake = wake
    running = Running(
      id: id, deadline: deadline, alarm: Alarm(at: deadline, on: time) { wake() })
  }

  /// Forgets the running timer.
  package mutating func stop() {
    running?.alarm.cancel()
    running = nil
  }

  /// The timer that has expired, once; nil if none has.
  package mutating func takeExpired() -> BatchTimer.ID? {
    guard let running, time.now >= running.deadline else { return nil }
    self.running = nil
    return running.id
  }
}
