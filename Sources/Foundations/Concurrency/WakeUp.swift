// What lets a task sleep until somebody has something for it.

/// A signal for one task. Signals that arrive while the task is busy count as one.
package final class WakeUp: Sendable {
  private let isSet = Watched(false)

  package init() {}

  /// Wakes the task, now or at its next wait. May be called from any thread.
  package func set() { isSet.change { $0 = true } }

  /// Waits for the next signal.
  package func wait() async { await isSet.wait(for: Self.take) }

  /// Waits for the next signal, at most until `deadline`.
  ///
  /// - Returns: whether it came; false also if the task was cancelled.
  package func wait(until deadline: TimeSource.Instant, on time: any TimeSource) async -> Bool {
    await isSet.wait(until: deadline, on: time, for: Self.take) != nil
  }

  @Sendable
  private static func take(_ isSet: inout Bool) -> Void? {
    guard isSet else { return nil }
    isSet = false
    return ()
  }
}
