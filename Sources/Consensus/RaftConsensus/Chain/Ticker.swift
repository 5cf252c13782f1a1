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
  private let wheel: TimerWheel?
  private var running: (deadline: TimeSource.Instant, wait: Wait)?

  /// What wakes the task for a tick.
  private enum Wait {
    case alarm(Alarm)
    /// Together with the ticks of other channels.
    case timer(TimerWheel.Timer, TimerWheel)

    func cancel() {
      switch self {
      case .alarm(let alarm): alarm.cancel()
      case .timer(let timer, let wheel): wheel.cancel(timer)
      }
    }
  }

  /// - Parameters:
  ///   - interval: Between two ticks, more than zero.
  ///   - wheel: On which channels tick together, if its slots are short beside the interval; nil: each for itself.
  ///   - wake: Makes the task look here.
  init(
    every interval: Duration, on time: any TimeSource, with wheel: TimerWheel? = nil,
    wake: @escaping @Sendable () -> Void
  ) {
    self.interval = interval
    self.time = time
    self.wheel = wheel.flatMap { $0.width * Self.leastSlots <= interval ? $0 : nil }
    self.wake = wake
  }

  /// So many slots of a wheel make up an interval at least.
  private static let leastSlots = 4

  /// Runs, or stands still: a node that ticks cannot change needs no clock.
  mutating func run(_ runs: Bool) {
    guard runs != (running != nil) else { return }
    if runs {
      schedule(at: time.now + interval)
    } else {
      running?.wait.cancel()
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
    let wait: Wait =
      if let wheel { .timer(wheel.set(at: deadline, wake), wheel) } else {
        .alarm(Alarm(at: deadline, on: time) { wake() })
      }
    running = (deadline, wait)
  }
}
