// A value under a lock, and the tasks that wait for a condition on it.

import Synchronization

/// The one way to wait for a state: each waiter says what for, and whoever changes the state wakes
/// the waiters whose condition has become true.
///
/// No wake-up can be lost: a condition is checked under the lock that every change takes, before
/// its waiter is registered and after every change, and a time limit starts only once the waiter is
/// registered. Conditions run under that lock, once for each change and waiter, in the order in
/// which the waiters came; so they must be short and must not touch this object.
///
/// The owner has to bound the number of waiters. A waiter has no thread, and has a task or timer of
/// its own only if it has a time limit.
package final class Watched<State: Sendable>: Sendable {
  private struct Waiter: Sendable {
    let id: UInt64
    /// What wakes the waiter, if its condition holds.
    let attempt: Attempt
    /// Wakes the waiter with nothing.
    let giveUp: Wake
  }

  private typealias Wake = @Sendable () -> Void
  private typealias Attempt = @Sendable (inout State) -> Wake?

  private struct Contents {
    var state: State
    var waiters: [Waiter] = []
    var lastID: UInt64 = 0

    /// Takes out the waiters whose condition holds. A condition may change the state, so this goes
    /// on until none holds.
    mutating func takeSatisfied() -> [Wake] {
      var wakes: [Wake] = []
      var hasChanged = !waiters.isEmpty
      while hasChanged {
        hasChanged = false
        waiters.removeAll { waiter in
          guard let wake = waiter.attempt(&state) else { return false }
          wakes.append(wake)
          hasChanged = true
          return true
        }
      }
      return wakes
    }

    /// Registers a waiter unless its condition holds; then wakes it, and with it those whose
    /// condition it has made true.
    mutating func attemptOrWait(_ waiter: Waiter) -> [Wake]? {
      if let wake = waiter.attempt(&state) { return [wake] + takeSatisfied() }
      waiters.append(waiter)
      return nil
    }

    mutating func takeID() -> UInt64 {
      lastID += 1
      return lastID
    }
  }

  private let contents: Mutex<Contents>

  package init(_ state: State) {
    contents = Mutex(Contents(state: state))
  }

  /// Reads the state.
  package func read<Value: Sendable, Failure: Error>(
    _ body: (State) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try contents.withLock { contents throws(Failure) in try body(contents.state) }
  }

  /// Changes the state, then wakes those whose condition has become true.
  package func change<Value: Sendable, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let (value, wakes) = try contents.withLock { contents throws(Failure) in
      let value = try body(&contents.state)
      return (value, contents.takeSatisfied())
    }
    for wake in wakes { wake() }
    return value
  }

  /// Waits until `condition`, which may change the state, gives a value. Ignores cancellation, so
  /// use it only for waits that are bound to end.
  package func wait<Value: Sendable>(
    for condition: @escaping @Sendable (inout State) -> Value?
  ) async -> Value {
    await withCheckedContinuation { (continuation: CheckedContinuation<Value, Never>) in
      let attempt: Attempt = { state in
        guard let value = condition(&state) else { return nil }
        return { continuation.resume(returning: value) }
      }
      let wakes = contents.withLock { contents in
        contents.attemptOrWait(Waiter(id: contents.takeID(), attempt: attempt, giveUp: {}))
      }
      for wake in wakes ?? [] { wake() }
    }
  }

  /// Waits until `condition`, which may change the state, gives a value.
  ///
  /// - Parameters:
  ///   - deadline: When to give up; nil for never. A condition that holds already is seen even if
  ///     the deadline has passed.
  /// - Returns: nil once the deadline has passed or the task is cancelled.
  package func wait<Value: Sendable>(
    until deadline: TimeSource.Instant?, on time: any TimeSource,
    for condition: @escaping @Sendable (inout State) -> Value?
  ) async -> Value? {
    let id = contents.withLock { $0.takeID() }
    var alarm: Alarm?
    defer { alarm?.cancel() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Value?, Never>) in
        let attempt: Attempt = { state in
          guard let value = condition(&state) else { return nil }
          return { continuation.resume(returning: value) }
        }
        let waiter = Waiter(
          id: id, attempt: attempt, giveUp: { continuation.resume(returning: nil) })
        let wakes: [Wake]? = contents.withLock { contents in
          if let wakes = contents.attemptOrWait(waiter) { return wakes }
          // If the task was cancelled before this, its handler found no waiter.
          guard Task.isCancelled else { return nil }
          contents.waiters.removeLast()
          return [waiter.giveUp]
        }
        if let wakes {
          for wake in wakes { wake() }
        } else if let deadline {
          alarm = Alarm(at: deadline, on: time) { self.giveUp(id) }
        }
      }
    } onCancel: {
      giveUp(id)
    }
  }

  /// Waits until `condition`, which may change the state, gives a value.
  ///
  /// - Returns: nil once the task is cancelled.
  package func waitUnlessCancelled<Value: Sendable>(
    for condition: @escaping @Sendable (inout State) -> Value?
  ) async -> Value? {
    await wait(until: nil, on: .system, for: condition)
  }

  /// How many tasks wait.
  package var waiterCount: Int { contents.withLock { $0.waiters.count } }

  private func giveUp(_ id: UInt64) {
    let waiter = contents.withLock { contents -> Waiter? in
      guard let index = contents.waiters.firstIndex(where: { $0.id == id }) else { return nil }
      return contents.waiters.remove(at: index)
    }
    waiter?.giveUp()
  }
}
