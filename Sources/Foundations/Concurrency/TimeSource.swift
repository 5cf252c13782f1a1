// Where everything that waits gets its time, so that tests and simulators can supply it.

/// A monotonic clock from outside: the system's in the node, one that a test moves elsewhere.
///
/// Only code that makes a node or a test may name ``SystemTime``; all other code is given its time.
package protocol TimeSource: Sendable {
  /// A point in time that never goes back.
  typealias Instant = ContinuousClock.Instant

  var now: Instant { get }

  /// Suspends until it is `instant` or later.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  func sleep(until instant: Instant) async throws(CancellationError)
}

extension TimeSource {
  /// Suspends for some time.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  package func sleep(for duration: Duration) async throws(CancellationError) {
    try await sleep(until: now + duration)
  }
}

/// The system's monotonic clock, which goes on while the machine sleeps.
package struct SystemTime: TimeSource {
  package init() {}

  package var now: Instant { .now }

  package func sleep(until instant: Instant) async throws(CancellationError) {
    do {
      // A task woken early would find nothing to do, and not be woken again.
      repeat { try await Task.sleep(until: instant, clock: .continuous) } while now < instant
    } catch { throw CancellationError() }
  }
}

extension TimeSource where Self == SystemTime {
  /// The system's monotonic clock.
  package static var system: SystemTime { SystemTime() }
}
