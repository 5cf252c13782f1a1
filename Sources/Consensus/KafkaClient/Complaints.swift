// Keeps the log from filling with the same complaint.

import Concurrency

/// Which problems of brokers the log was told lately.
struct Complaints: Sendable {
  /// What the log is told once in a while.
  struct Complaint: Hashable, Sendable {
    var kind: BrokerFailure.Kind
    var broker: String
  }

  /// A problem that lasts is told again after this time.
  static let repetition = Duration.seconds(300)
  /// Problems that are remembered. Once there are more, all of them count as not told.
  static let maximum = 200

  private var told: [Complaint: TimeSource.Instant] = [:]

  /// Whether the log should be told, which then counts as done.
  mutating func admits(_ complaint: Complaint, at now: TimeSource.Instant) -> Bool {
    if let last = told[complaint], now - last < Self.repetition { return false }
    if told.count >= Self.maximum { told = [:] }
    told[complaint] = now
    return true
  }
}
