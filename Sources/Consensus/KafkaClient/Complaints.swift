// Keeps the log from filling with the same complaint.

import Concurrency

/// Which problems of brokers were logged lately.
struct Complaints: Sendable {
  /// What is logged once in a while.
  struct Complaint: Hashable, Sendable {
    var kind: BrokerFailure.Kind
    var broker: String
  }

  /// A lasting problem is logged again after this time.
  static let repetition = Duration.seconds(300)
  /// Problems that are remembered. Once there are more, all of them count as not logged.
  static let maximum = 200

  private var told: [Complaint: TimeSource.Instant] = [:]

  /// Whether to log the complaint, which then counts as logged.
  mutating func admits(_ complaint: Complaint, at now: TimeSource.Instant) -> Bool {
    if let last = told[complaint], now - last < Self.repetition { return false }
    if told.count >= Self.maximum { told = [:] }
    told[complaint] = now
    return true
  }
}
