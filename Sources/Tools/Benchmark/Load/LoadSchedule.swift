// When the envelopes of one stream are due at a fixed rate.

/// A timetable: envelope n is due at a time that does not depend on how those before it fared, so a server that
/// stalls cannot slow down the clock it is measured by.
package struct LoadSchedule: Sendable, Equatable {
  /// When the first is due.
  package let first: RunTime
  /// Nanoseconds between two.
  package let interval: Double
  /// The envelopes of the stream.
  package let numbers: Range<Int>

  /// One of `streams` streams that share a rate and take turns.
  ///
  /// - Parameters:
  ///   - rate: Envelopes per second of all streams together, above 0.
  ///   - stream: Which of them, from 0 on.
  package init(rate: Double, stream: Int, of streams: Int, numbers: Range<Int>) {
    let turn = 1e9 / rate
    first = RunTime(turn * Double(stream))
    interval = turn * Double(streams)
    self.numbers = numbers
  }

  /// When an envelope is due.
  package func due(_ number: Int) -> RunTime {
    first + RunTime(interval * Double(number - numbers.lowerBound))
  }

  /// Those from `next` on that are due by now.
  package func due(from next: Int, at now: RunTime, atMost limit: Int) -> Range<Int> {
    var end = next
    while end < numbers.upperBound, end - next < limit, due(end) <= now { end += 1 }
    return next..<end
  }
}
