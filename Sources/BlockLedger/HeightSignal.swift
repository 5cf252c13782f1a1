// The height of a chain and the tasks that wait for it to grow.

import Synchronization

/// A height that only grows, with waiters that are woken all at once.
final class HeightSignal: Sendable {
  private typealias Waiter = CheckedContinuation<Result<Void, LedgerError>, Never>

  private struct State {
    var waiters: [UInt64: (number: UInt64, continuation: Waiter)] = [:]
    var nextID: UInt64 = 0
    var closed = false
  }

  let channelID: String
  private let value: Atomic<UInt64>
  private let state = Mutex(State())

  init(channelID: String, height: UInt64 = 0) {
    self.channelID = channelID
    value = Atomic(height)
  }

  /// Number of visible blocks.
  var height: UInt64 { value.load(ordering: .acquiring) }

  var isClosed: Bool { state.withLock { $0.closed } }

  /// Makes the blocks below `height` visible and wakes who waited for them.
  func advance(to height: UInt64) {
    let woken: [Waiter] = state.withLock { state in
      // Stored under the lock: a waiter that saw the old height under the lock is registered by now.
      value.store(height, ordering: .releasing)
      guard !state.waiters.isEmpty else { return [] }
      var woken: [Waiter] = []
      for (id, waiter) in state.waiters where waiter.number < height {
        woken.append(waiter.continuation)
        state.waiters[id] = nil
      }
      return woken
    }
    for continuation in woken { continuation.resume(returning: .success(())) }
  }

  /// Fails all waiters, now and later.
  func close() {
    let woken: [Waiter] = state.withLock { state in
      state.closed = true
      let woken = state.waiters.values.map(\.continuation)
      state.waiters = [:]
      return woken
    }
    for continuation in woken {
      continuation.resume(returning: .failure(.closed(channel: channelID)))
    }
  }

  /// Suspends until the height is above `number`.
  func wait(for number: UInt64) async throws(LedgerError) {
    if height > number, !Task.isCancelled { return }
    let id = state.withLock { state in
      state.nextID &+= 1
      return state.nextID
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: Waiter) in
        let immediate: Result<Void, LedgerError>? = state.withLock { state in
          // A task is marked as cancelled before its handler runs. So if the handler below came
          // first and found nobody, the mark is visible here.
          if Task.isCancelled { return .failure(.cancelled) }
          if state.closed { return .failure(.closed(channel: channelID)) }
          if value.load(ordering: .acquiring) > number { return .success(()) }
          state.waiters[id] = (number, continuation)
          return nil
        }
        if let immediate { continuation.resume(returning: immediate) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
      waiter?.continuation.resume(returning: .failure(.cancelled))
    }
    try result.get()
  }

  /// How many tasks wait, for tests.
  var waiterCount: Int { state.withLock { $0.waiters.count } }
}
