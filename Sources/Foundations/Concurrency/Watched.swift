// A value under a lock, and the tasks that wait until something holds of it.

import Synchronization

/// The one way to wait for a state: whoever waits says what for, and whoever changes the state wakes
/// those for whom it has come true.
///
/// No wake-up can be lost: a condition is looked at under the lock that every change takes, before its
/// waiter is put down and after every change, and a time limit starts to run only once the waiter is
/// down. Conditions run under that lock, once for each change and waiter, in the order in which the
/// waiters came; so they must be short and must not touch this object.
///
/// How many wait is for the owner to bound. A waiter has no thread, and a task or timer of its own only
/// if it has a time limit.
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

    /// Takes out the waiters for whom it has come true. A condition may change the state, so this goes
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

    /// Puts a waiter down unless its condition holds; then it is woken, and with it those for whom it has
    /// made something come true.
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

  /// Looks at the state.
  package func read<Value: Sendable, Failure: Error>(
    _ body: (State) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try contents.withLock { contents throws(Failure) in try body(contents.state) }
  }

  /// Changes the state, then wakes those for whom something has come true.
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

  /// Waits until `condition` gives a value, which may change the state as it does. Deaf to cancellation:
  /// for waits that something is bound to end.
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

  /// Waits until `condition` gives a value, which may change the state as it does.
  ///
  /// - Parameters:
  ///   - deadline: When to give up; nil for never. A condition that holds already is seen even if that
  ///     is over.
  /// - Returns: nil once the deadline is over or the task is cancelled.
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
          // If the task was cancelled before this, its handler has found no waiter.
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

  /// Waits until `condition` gives a value, which may change the state as it does.
  ///
  /// - Returns: nil once the task is cancelled.
  package func waitUnlessCancelled<Value: Sendable>(
    for condition: @escaping @Sendable (inout State) -> Value?
  ) async -> Value? {
    await wait(until: nil, on: .system, for: condition)
  }

  /// Tasks that wait.
  package var waiterCount: Int { contents.withLock { $0.waiters.count } }

  private func giveUp(_ id: UInt64) {
    let waiter = contents.withLock { contents -> Waiter? in
      guard let index = contents.waiters.firstIndex(where: { $0.id == id }) else { return nil }
      return contents.waiters.remove(at: index)
    }
    waiter?.giveUp()
  }
}
