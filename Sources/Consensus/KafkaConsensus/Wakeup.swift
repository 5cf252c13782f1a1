// What lets a task sleep until somebody has something for it.

import Synchronization

/// A signal for one task. Any number of calls while the task is busy make one wake-up.
final class Wakeup: Sendable {
  private struct State {
    var isSet = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// Wakes the task, now or when it waits the next time. May be called from any thread.
  func set() {
    let waiter = state.withLock { state in
      state.isSet = state.waiter == nil
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Waits for the next signal. Only one task may call this at a time.
  func wait() async {
    await withCheckedContinuation { continuation in
      let ready = state.withLock { state in
        if state.isSet {
          state.isSet = false
          return true
        }
        state.waiter = continuation
        return false
      }
      if ready { continuation.resume() }
    }
  }
}
