// How a pull gets on, in words.

/// Measures how fast blocks come, and tells it now and then.
struct PullProgress: Sendable {
  /// The time between two reports.
  static let interval = Duration.seconds(10)

  private let first: UInt64
  private let began: ContinuousClock.Instant
  private var reported: ContinuousClock.Instant

  /// - Parameter height: Blocks that are here when the pull begins.
  init(height: UInt64, now: ContinuousClock.Instant) {
    first = height
    began = now
    reported = now
  }

  /// What to tell of blocks that have just come; nil if the last report was not long ago.
  mutating func report(
    height: UInt64, target: UInt64, now: ContinuousClock.Instant
  ) -> String? {
    guard reported.duration(to: now) >= Self.interval else { return nil }
    reported = now
    return text(height: height, target: target, now: now)
  }

  /// Height, target, speed and the time that is left.
  func text(height: UInt64, target: UInt64, now: ContinuousClock.Instant) -> String {
    let pulled = height > first ? height - first : 0
    let seconds = began.duration(to: now) / .seconds(1)
    guard seconds > 0, pulled > 0 else { return "height \(height) of \(target)" }
    let speed = Double(pulled) / seconds
    let left = target > height ? Double(target - height) / speed : 0
    return "height \(height) of \(target), \(Int(speed.rounded())) blocks/s, about "
      + "\(Int(min(left, 1e9).rounded(.up))) s left"
  }
}
