// Wakes the readers at the end of a chain.

import Synchronization

/// What happens at the tip of a channel: it grows, or its chain fails.
///
/// One signal serves all readers of a channel; a reader waits without a task or timer of its own.
package final class TipSignal: Sendable {
  /// Why a wait ended.
  package enum Event: Sendable, Equatable {
    /// The chain has more blocks than the reader knew.
    case grown
    /// The chain cannot go on, or stops.
    case errored(String)
    /// The waiting task was cancelled.
    case cancelled
  }

  private struct State {
    var height: UInt64
    /// Why the chain cannot go on.
    var failure: String?
    /// Why the chain cannot go on for the time being.
    var trouble: String?
    var error: String? { failure ?? trouble }
    var nextID: UInt64 = 0
    var waiters: [UInt64: Waiter] = [:]
  }

  private struct Waiter {
    var height: UInt64
    var heedsErrors: Bool
    var continuation: CheckedContinuation<Event, Never>
  }

  private let state: Mutex<State>

  package init(height: UInt64) {
    state = Mutex(State(height: height))
  }

  /// Blocks that readers may see.
  package var height: UInt64 { state.withLock { $0.height } }

  /// Why the chain is in error; nil while it works.
  package var error: String? { state.withLock { $0.error } }

  /// Why the chain is in error for good; nil while it works, and while its error may pass.
  package var failure: String? { state.withLock { $0.failure } }

  /// Announces a new number of blocks.
  package func grow(to height: UInt64) {
    wake(with: .grown) { state in
      state.height = max(state.height, height)
      return { $0.height < height }
    }
  }

  /// Announces that the chain is in error. The first reason stays.
  package func fail(_ reason: String) {
    wake(with: .errored(reason)) { state in
      if state.failure == nil { state.failure = reason }
      return { $0.heedsErrors }
    }
  }

  /// Announces that the chain is in error until ``recover()``.
  package func suspend(_ reason: String) {
    wake(with: .errored(reason)) { state in
      state.trouble = reason
      return { $0.heedsErrors }
    }
  }

  /// Announces that the chain works again, unless it has failed for good.
  package func recover() {
    state.withLock { $0.trouble = nil }
  }

  /// Waits until there are more than `height` blocks, or the chain fails (unless `heedsErrors` is
  /// false), or the task is cancelled.
  package func wait(beyond height: UInt64, heedsErrors: Bool) async -> Event {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let event: Event? = state.withLock { state in
          if heedsErrors, let error = state.error { return .errored(error) }
          if state.height > height { return .grown }
          if Task.isCancelled { return .cancelled }
          state.waiters[id] = Waiter(
            height: height, heedsErrors: heedsErrors, continuation: continuation)
          return nil
        }
        if let event { continuation.resume(returning: event) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
      waiter?.continuation.resume(returning: .cancelled)
    }
  }

  private func wake(with event: Event, _ change: (inout State) -> (Waiter) -> Bool) {
    let woken = state.withLock { state in
      let concerns = change(&state)
      let ids = state.waiters.filter { concerns($0.value) }.map(\.key)
      return ids.compactMap { state.waiters.removeValue(forKey: $0) }
    }
    for waiter in woken { waiter.continuation.resume(returning: event) }
  }
}
