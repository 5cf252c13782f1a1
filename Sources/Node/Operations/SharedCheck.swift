// One component's check, shared by all who ask at once.

import Concurrency
import Synchronization

/// A check that runs at most once at a time, however many ask and however long it takes.
final class SharedCheck: Sendable {
  enum Result: Sendable, Equatable {
    case healthy
    case failed(String)
    /// The task that asked was cancelled.
    case cancelled
  }

  private enum State {
    /// → running
    case idle
    /// Once nobody asks any more the check is told to end; until it does, no other is begun. → idle
    case running(Watched<Result?>, Task<Void, Never>, askers: Int)
  }

  private let check: HealthChecks.Check
  private let state = Mutex(State.idle)

  init(_ check: @escaping HealthChecks.Check) { self.check = check }

  /// How many wait for a result.
  var askers: Int {
    state.withLock { state in
      guard case .running(_, _, let askers) = state else { return 0 }
      return askers
    }
  }

  /// The result of a run that goes on, or of a new one.
  func result() async -> Result {
    let run = join()
    let result = await run.waitUnlessCancelled { $0 }
    leave(run)
    return result ?? .cancelled
  }

  private func join() -> Watched<Result?> {
    state.withLock { state in
      if case .running(let run, let task, let askers) = state {
        state = .running(run, task, askers: askers + 1)
        return run
      }
      let run = Watched<Result?>(nil)
      let task = Task {
        let reason = await check()
        self.state.withLock { $0 = .idle }
        run.change { $0 = reason.map(Result.failed) ?? .healthy }
      }
      state = .running(run, task, askers: 1)
      return run
    }
  }

  private func leave(_ run: Watched<Result?>) {
    let abandoned = state.withLock { state -> Task<Void, Never>? in
      guard case .running(let current, let task, let askers) = state, current === run else {
        return nil
      }
      state = .running(current, task, askers: askers - 1)
      return askers == 1 ? task : nil
    }
    abandoned?.cancel()
  }
}
