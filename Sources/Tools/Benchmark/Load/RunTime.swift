// The time in which a run is measured.

import Concurrency

/// Nanoseconds since a run began.
package typealias RunTime = Int64

/// Tells the time of a run.
package struct RunClock: Sendable {
  let time: any TimeSource
  let origin: TimeSource.Instant

  /// The run begins now.
  package init(_ time: any TimeSource) {
    self.time = time
    origin = time.now
  }

  package var now: RunTime { (time.now - origin).runTime }

  func instant(of runTime: RunTime) -> TimeSource.Instant { origin + .nanoseconds(runTime) }
}

extension Duration {
  /// In nanoseconds, at most 292 years.
  var runTime: RunTime {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue
      &+ attoseconds / 1_000_000_000
  }

  var seconds: Double { self / .seconds(1) }
}
