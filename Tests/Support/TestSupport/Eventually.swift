// Waiting for conditions that no event announces.

/// Looks again and again until the condition holds. There is no limit: on a busy machine it takes
/// longer, and whoever runs the tests has to end a wait that never comes true.
///
/// - Throws: what the condition throws; `CancellationError` if the test is cancelled.
package func eventually(_ condition: () async throws -> Bool) async throws {
  while try await !condition() { try await Task.sleep(for: .milliseconds(10)) }
}
