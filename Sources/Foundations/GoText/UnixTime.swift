// A moment on the wall clock.

import Foundation

/// A moment, counted from the beginning of 1970 in UTC.
package struct UnixTime: Hashable, Sendable {
  package let seconds: Int64
  /// Within the second.
  package let nanoseconds: Int32

  package init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// What the wall clock says.
  package static func now() -> UnixTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UnixTime(
      seconds: Int64(time.tv_sec), nanoseconds: Int32(truncatingIfNeeded: time.tv_nsec))
  }

  /// All of it in nanoseconds; the years from 1678 to 2262 fit (Go: `Time.UnixNano`).
  package var inNanoseconds: Int64 { seconds &* 1_000_000_000 &+ Int64(nanoseconds) }

  /// The moment in UTC, written in a layout.
  package func utc(_ layout: GoTimeLayout) -> String { layout.format(CivilTime(utc: self)) }
}
