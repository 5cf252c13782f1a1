// How long things took, from the shortest to the slowest one in a thousand.

import Histogram

/// A histogram of durations from a microsecond to an hour, to three digits.
package struct LatencyRecorder: Sendable {
  private static let longest: UInt64 = 3_600_000_000_000

  private var histogram = Histogram<UInt64>(
    lowestDiscernibleValue: 1_000, highestTrackableValue: longest,
    numberOfSignificantValueDigits: .three)

  package init() {}

  /// Records a duration in nanoseconds.
  package mutating func record(_ nanoseconds: RunTime) {
    histogram.record(min(UInt64(max(0, nanoseconds)), Self.longest))
  }

  /// Nil if nothing was recorded.
  package var summary: LatencySummary? {
    guard histogram.totalCount > 0 else { return nil }
    func milliseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e6 }
    func percentile(_ percentile: Double) -> Double {
      // A bucket's upper end may be above the largest value.
      milliseconds(min(histogram.valueAtPercentile(percentile), histogram.max))
    }
    return LatencySummary(
      count: Int(clamping: histogram.totalCount), mean: histogram.mean / 1e6,
      median: percentile(50), p90: percentile(90), p99: percentile(99), p999: percentile(99.9),
      maximum: milliseconds(histogram.max))
  }
}

/// Durations in milliseconds.
package struct LatencySummary: Codable, Sendable, Equatable {
  package var count: Int
  package var mean: Double
  package var median: Double
  package var p90: Double
  package var p99: Double
  package var p999: Double
  package var maximum: Double
}
