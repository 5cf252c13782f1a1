// Chains for tests, and what their settings are.

import Concurrency
import KafkaClient
import Logging

@testable import KafkaConsensus

/// Logs nothing; HEDDLE_TEST_LOG=1 shows what the chains log.
let testLogger = Logger(label: "test") { label -> any LogHandler in
  if SimulationTests.number("HEDDLE_TEST_LOG") == nil { return SwiftLogNoOpLogHandler() }
  return StreamLogHandler.standardError(label: label)
}

/// Settings whose time-outs no load can reach: what fails, fails because the brokers say so.
func patientSettings() -> KafkaSettings {
  var settings = KafkaSettings()
  settings.retry.shortInterval = .milliseconds(100)
  settings.retry.shortTotal = .seconds(1_000_000)
  settings.client.readTimeout = .seconds(300)
  settings.client.writeTimeout = .seconds(300)
  settings.client.dialTimeout = .seconds(300)
  settings.client.metadataRetryBackoff = .milliseconds(50)
  settings.client.longestReconnectPause = .milliseconds(100)
  settings.client.version = "1.0.0"
  return settings
}

/// A clock that runs a hundred times as fast as the system's: a chain's patience with brokers is soon over,
/// while librdkafka's time-outs, by its own clock, stay out of reach.
struct FastTime: TimeSource {
  private static let factor = 100
  private let begin = Instant.now

  var now: Instant { begin + (Instant.now - begin) * Self.factor }

  func sleep(until instant: Instant) async throws(CancellationError) {
    while now < instant { try await SystemTime().sleep(for: (instant - now) / Self.factor) }
  }
}

/// Repeats something until it gives a value. Use it where no event can be awaited.
func repeated<Value>(_ attempt: () async throws -> Value?) async -> Value {
  while true {
    if let value = try? await attempt() { return value }
    try? await Task.sleep(for: .milliseconds(10))
  }
}
