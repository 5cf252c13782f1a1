// When a node without a leader should ask whether it still is a member.

/// Counts the time without a leader: who was removed while it was down hears of nobody.
///
/// A value without clock or I/O.
struct EvictionSuspicion: Sendable, Equatable {
  /// Unless the settings say otherwise; as Go's.
  static let defaultThreshold = Duration.seconds(600)

  private let threshold: Duration
  private let tickInterval: Duration
  private var elapsed = Duration.zero
  private var nextLook: Duration

  init(threshold: Duration?, tickInterval: Duration) {
    self.threshold = max(threshold ?? Self.defaultThreshold, tickInterval)
    self.tickInterval = tickInterval
    nextLook = self.threshold
  }

  /// - Returns: How long there has been no leader, if it is time to ask; again after each further threshold.
  mutating func tick(hasLeader: Bool) -> Duration? {
    guard !hasLeader else {
      elapsed = .zero
      nextLook = threshold
      return nil
    }
    elapsed += tickInterval
    guard elapsed >= nextLook else { return nil }
    nextLook = elapsed + threshold
    return elapsed
  }
}
