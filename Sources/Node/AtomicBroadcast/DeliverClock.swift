// Where Deliver gets the time from.

import Concurrency
import Foundation

/// The time of day, by which requests and certificates are judged, and the clock that timers run by.
package struct DeliverClock: Sendable {
  package let now: @Sendable () -> Date
  package let time: any TimeSource

  package init(now: @escaping @Sendable () -> Date, time: any TimeSource) {
    self.now = now
    self.time = time
  }
}
