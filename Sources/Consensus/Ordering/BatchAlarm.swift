// Lets a batch timer run, for the task that drives a core.

import Concurrency

/// The clock beside a core's ``BatchTimer``: wakes the chain's task when the running timer has expired, and
/// tells the task which one that was.
///
/// A value of that task. Whether a timer has expired is for the clock to say, not for the wake-up, so one
/// that comes late or twice does no harm.
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

  /// Lets a timer run, in place of one that runs.
  package mutating func start(_ id: BatchTimer.ID, for timeout: Duration) {
    stop()
    let deadline = time.now + timeout
    let wake = wake
    running = Running(
      id: id, deadline: deadline, alarm: Alarm(at: deadline, on: time) { wake() })
  }

  /// Forgets the timer that runs.
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
