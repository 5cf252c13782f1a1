// Something that is done once some time has passed.

/// Runs an action once, at its time, unless it is cancelled before.
///
/// A cancellation does not stop an action that has begun, so an alarm cancelled as it goes off may
/// still act. Where that matters the action has to detect it, e.g. by a number that tells its alarm
/// from later ones.
package struct Alarm: Sendable {
  private let task: Task<Void, Never>

  package init(
    at instant: TimeSource.Instant, on time: any TimeSource,
    _ action: @escaping @Sendable () async -> Void
  ) {
    task = Task {
      do { try await time.sleep(until: instant) } catch { return }
      await action()
    }
  }

  package init(
    after duration: Duration, on time: any TimeSource,
    _ action: @escaping @Sendable () async -> Void
  ) {
    self.init(at: time.now + duration, on: time, action)
  }

  /// Keeps it from going off, if it has not yet.
  package func cancel() { task.cancel() }
}
