// Something that is done once some time has passed.

/// Runs an action once, at its time, unless it is cancelled before.
///
/// An action that has begun is not stopped by a cancellation, so an alarm that was cancelled while it
/// went off may still act: what must not happen then, the action has to find out for itself, e.g. by a
/// number that tells its alarm from later ones.
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

  /// Lets it never go off, if it has not.
  package func cancel() { task.cancel() }
}
