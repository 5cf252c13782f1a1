// Waiting for conditions that no event announces.

import Concurrency

/// Looks again and again until the condition holds. There is no limit: on a busy machine it takes
/// longer, and whoever runs the tests has to end a wait that never comes true.
///
/// - Throws: what the condition throws; `CancellationError` if the test is cancelled.
package func eventually(_ condition: () async throws -> Bool) async throws {
  while try await !condition() { try await Task.sleep(for: .milliseconds(10)) }
}

extension ManualTime {
  /// Ends pauses of a minute or less, one after the other, until the condition holds.
  package func pass(until condition: () throws -> Bool) async rethrows {
    while try !condition() {
      if let alarm = nextAlarm, alarm <= now + .seconds(60) {
        advance(by: now.duration(to: alarm))
      }
      await Task.yield()
    }
  }
}
