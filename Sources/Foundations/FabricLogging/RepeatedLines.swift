// How many lines about clients a place in the code may write.

/// Lets so many lines of one place through and counts the others: clients decide how often they are
/// refused, not how much is logged of it.
struct RepeatedLines {
  /// Where a line comes from.
  struct Place: Hashable {
    let file: String
    let line: UInt
  }

  enum Verdict: Equatable {
    /// To be written, with the number of those that were left out before it.
    case write(leftOut: UInt64)
    case leaveOut
  }

  /// Lines at once…
  static let burst = 100
  /// …and per second in the long run.
  static let perSecond = 10
  /// Places that are kept in mind; there are a few dozen in the code.
  static let maximumPlaces = 1_024

  private struct Meter {
    /// When the burst is whole again.
    var full: Duration
    var leftOut: UInt64 = 0
  }

  private var meters: [Place: Meter] = [:]

  /// - Parameter now: since any moment that stays the same.
  mutating func judge(_ place: Place, at now: Duration) -> Verdict {
    if meters[place] == nil, meters.count >= Self.maximumPlaces { return .write(leftOut: 0) }
    let interval = Duration.seconds(1) / Self.perSecond
    var meter = meters[place] ?? Meter(full: now)
    let next = max(meter.full, now) + interval
    defer { meters[place] = meter }
    guard next - now <= interval * Self.burst else {
      meter.leftOut += 1
      return .leaveOut
    }
    meter.full = next
    defer { meter.leftOut = 0 }
    return .write(leftOut: meter.leftOut)
  }
}
