// Raft's clock: ticks at equal intervals, for the task that drives a core.

import Concurrency

/// Counts the ticks of a core, and wakes its task for each.
///
/// A value of that task. A tick that comes late is one tick, however late: a process that slept must not
/// believe that its leader was silent all that time.
struct Ticker: Sendable {
  private let interval: Duration
  private let time: any TimeSource
  private let wake: @Sendable () -> Void
  private var running: (deadline: TimeSource.Instant, alarm: Alarm)?

  /// - Parameters:
  ///   - interval: Between two ticks, more than zero.
  ///   - wake: Makes the task look here.
  init(every interval: Duration, on time: any TimeSource, wake: @escaping @Sendable () -> Void) {
    self.interval = interval
    self.time = time
    self.wake = wake
  }

  /// Runs, or stands still: a node that ticks cannot change needs no clock.
  mutating func run(_ runs: Bool) {
    guard runs != (running != nil) else { return }
    if runs {
      schedule(at: time.now + interval)
    } else {
      running?.alarm.cancel()
      running = nil
    }
  }

  /// Whether a tick is due, once for each.
  mutating func takeTick() -> Bool {
    guard let running, time.now >= running.deadline else { return false }
    let next = running.deadline + interval
    schedule(at: next > time.now ? next : time.now + interval)
    return true
  }

  private mutating func schedule(at deadline: TimeSource.Instant) {
    let wake = wake
    running = (deadline, Alarm(at: deadline, on: time) { wake() })
  }
}
