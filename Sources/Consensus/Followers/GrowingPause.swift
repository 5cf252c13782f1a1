// Pauses that grow by half each time, as Fabric's followers make them.

/// The next pause, between a shortest and a longest one.
struct GrowingPause: Sendable, Equatable {
  private let shortest: Duration
  private let longest: Duration
  private(set) var current: Duration

  init(from shortest: Duration, to longest: Duration) {
    self.shortest = shortest
    self.longest = longest
    current = shortest
  }

  /// The pause to make now; the next one is longer by half.
  mutating func next() -> Duration {
    defer { current = min(current * 3 / 2, longest) }
    return current
  }

  /// The next pause is the shortest again.
  mutating func reset() { current = shortest }

  /// The next pause is shorter by the shortest one.
  mutating func shrink() { current = max(current - shortest, shortest) }
}
