// How long to wait before trying again.

/// The waits between attempts: each twice as long as the one before, up to a longest.
package struct Backoff: Sendable, Equatable {
  private let shortest: Duration
  private let longest: Duration
  private var upcoming: Duration

  /// - Parameters:
  ///   - shortest: The first wait, more than nothing.
  ///   - longest: No wait is longer.
  package init(from shortest: Duration, to longest: Duration) {
    precondition(shortest > .zero && shortest <= longest, "a backoff without a wait would spin")
    self.shortest = shortest
    self.longest = longest
    upcoming = shortest
  }

  /// The wait before the next attempt.
  package mutating func next() -> Duration {
    defer { upcoming = min(upcoming * 2, longest) }
    return upcoming
  }

  /// Starts over after an attempt that succeeded.
  package mutating func reset() { upcoming = shortest }
}
