// When the envelopes of one stream are due at a fixed rate.

/// A timetable: envelope n is due at a time that does not depend on how those before it fared, so a server that
/// stalls cannot slow down the clock it is measured by.
package struct LoadSchedule: Sendable, Equatable {
  /// When the first is due.
  package let first: RunTime
  /// Nanoseconds between two.
  package let interval: Double
  /// How many there are.
  package let count: Int
  /// How many were handed out.
  package private(set) var taken = 0

  /// One of `streams` streams that share a rate and take turns.
  ///
  /// - Parameters:
  ///   - rate: Envelopes per second of all streams together, above 0.
  ///   - stream: Which of them, from 0 on.
  package init(rate: Double, stream: Int, of streams: Int, count: Int) {
    let turn = 1e9 / rate
    first = RunTime(turn * Double(stream))
    interval = turn * Double(streams)
    self.count = count
  }

  /// When an envelope is due.
  package func due(_ number: Int) -> RunTime { first + RunTime(interval * Double(number)) }

  /// When the next one is due; nil if all were handed out.
  package var nextDue: RunTime? { taken < count ? due(taken) : nil }

  /// Hands out those that are due by now.
  package mutating func takeDue(at now: RunTime, atMost limit: Int) -> Range<Int> {
    let first = taken
    while taken < count, taken - first < limit, due(taken) <= now { taken += 1 }
    return first..<taken
  }
}
