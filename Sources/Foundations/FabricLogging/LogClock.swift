// The clocks that logging reads.

import GoText

/// What lines are stamped with, and what tells how often they come.
package struct LogClock: Sendable {
  /// The wall clock.
  var now: @Sendable () -> UnixTime
  /// Time since some moment; never goes back.
  var uptime: @Sendable () -> Duration

  package init(
    now: @escaping @Sendable () -> UnixTime, uptime: @escaping @Sendable () -> Duration
  ) {
    self.now = now
    self.uptime = uptime
  }

  /// The system's.
  package static var system: LogClock {
    let begin = ContinuousClock.now
    return LogClock(now: UnixTime.now, uptime: { begin.duration(to: .now) })
  }
}
