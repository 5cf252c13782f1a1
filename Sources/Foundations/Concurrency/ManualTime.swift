// Time that stands still until somebody moves it.

import Synchronization

/// The clock of tests and simulators: time passes only by ``advance(by:)``.
package final class ManualTime: TimeSource {
  private struct Sleeper {
    let instant: Instant
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var now: Instant
    var sleepers: [UInt64: Sleeper] = [:]
    var lastID: UInt64 = 0

    /// Those whose sleep is over, the earliest first.
    mutating func takeAwake() -> [CheckedContinuation<Bool, Never>] {
      let awake = sleepers.filter { $0.value.instant <= now }
      for id in awake.keys { sleepers[id] = nil }
      return awake.sorted { ($0.value.instant, $0.key) < ($1.value.instant, $1.key) }
        .map(\.value.continuation)
    }
  }

  private let state: Watched<State>

  package init() {
    state = Watched(State(now: .now))
  }

  package var now: Instant { state.read { $0.now } }

  /// When the next sleep ends; nil if nobody sleeps.
  package var nextAlarm: Instant? { state.read { $0.sleepers.values.map(\.instant).min() } }

  /// Lets time pass, and wakes those whose sleep is over.
  package func advance(by duration: Duration) {
    let awake = state.change { state in
      state.now += duration
      return state.takeAwake()
    }
    for continuation in awake { continuation.resume(returning: true) }
  }

  /// Waits until this many sleep, so that a test can move time once all are where it wants them.
  package func waitForSleepers(_ count: Int) async {
    await state.wait { $0.sleepers.count >= count ? () : nil }
  }

  package func sleep(until instant: Instant) async throws(CancellationError) {
    let id = state.change { state in
      state.lastID += 1
      return state.lastID
    }
    let isAwake = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let outcome: Bool? = state.change { state in
          // Cancelled before it slept: the handler below found nobody to wake.
          if Task.isCancelled { return false }
          if instant <= state.now { return true }
          state.sleepers[id] = Sleeper(instant: instant, continuation: continuation)
          return nil
        }
        if let outcome { continuation.resume(returning: outcome) }
      }
    } onCancel: {
      let sleeper = state.change { $0.sleepers.removeValue(forKey: id) }
      sleeper?.continuation.resume(returning: false)
    }
    if !isAwake { throw CancellationError() }
  }
}
