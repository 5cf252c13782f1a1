// One sleeping task for the timers of many.

import Synchronization

/// Calls actions at their times, rounded up to the end of a slot: what is due in the same slot is done together, and
/// whoever waits needs neither a task nor a timer of the system of its own.
///
/// For timers that may be late by a slot, such as those of many channels that do the same at equal intervals. The owner
/// has to bound their number. Actions run one after the other on the wheel's task, so they must be short and must not
/// wait. While no timer is set, nothing sleeps.
package final class TimerWheel: Sendable {
  package typealias Instant = TimeSource.Instant

  /// A timer that was set.
  package struct Timer: Sendable, Hashable {
    fileprivate let slot: Int64
    fileprivate let id: UInt64
  }

  private struct State {
    var actions: [Int64: [UInt64: @Sendable () -> Void]] = [:]
    var lastID: UInt64 = 0
    /// Until when the task sleeps, and its number; nil if there is none.
    var sleeper: (slot: Int64, number: UInt64, task: Task<Void, Never>?)?
    var lastSleeper: UInt64 = 0
  }

  private let time: any TimeSource
  private let epoch: Instant
  /// Of a slot.
  package let width: Duration
  private let state = Mutex(State())

  /// - Parameter width: Of a slot, more than nothing.
  package init(on time: any TimeSource, slots width: Duration) {
    precondition(width > .zero, "slots without a width would never end")
    self.time = time
    self.width = width
    epoch = time.now
  }

  /// Calls an action once, at the end of the slot in which the instant lies; soon if that has passed.
  @discardableResult
  package func set(at instant: Instant, _ action: @escaping @Sendable () -> Void) -> Timer {
    let slot = max(0, slot(of: instant))
    return state.withLock { state in
      state.lastID += 1
      state.actions[slot, default: [:]][state.lastID] = action
      if state.sleeper.map({ slot < $0.slot }) ?? true { sleep(until: slot, &state) }
      return Timer(slot: slot, id: state.lastID)
    }
  }

  /// Keeps a timer from going off, if it has not begun to.
  package func cancel(_ timer: Timer) {
    state.withLock { state in
      state.actions[timer.slot]?[timer.id] = nil
      guard state.actions[timer.slot]?.isEmpty == true else { return }
      state.actions[timer.slot] = nil
      guard state.actions.isEmpty else { return }
      state.sleeper?.task?.cancel()
      state.sleeper = nil
    }
  }

  /// The first slot that ends at the instant or later, by its number.
  private func slot(of instant: Instant) -> Int64 {
    let (distance, width) = (nanoseconds(instant - epoch), nanoseconds(width))
    return distance <= 0 ? 0 : (distance + width - 1) / width
  }

  private func nanoseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
  }

  private func end(of slot: Int64) -> Instant { epoch + width * Int(slot) }

  /// Replaces the task that sleeps.
  private func sleep(until slot: Int64, _ state: inout State) {
    state.sleeper?.task?.cancel()
    state.lastSleeper += 1
    let number = state.lastSleeper
    let task = Task { [weak self, time, instant = end(of: slot)] in
      do { try await time.sleep(until: instant) } catch { return }
      self?.goOff(number)
    }
    state.sleeper = (slot, number, task)
  }

  private func goOff(_ number: UInt64) {
    let now = time.now
    let due = state.withLock { state -> [@Sendable () -> Void] in
      guard state.sleeper?.number == number else { return [] }
      state.sleeper = nil
      let slots = state.actions.keys.filter { end(of: $0) <= now }.sorted()
      let due = slots.flatMap { slot in
        (state.actions.removeValue(forKey: slot) ?? [:]).sorted { $0.key < $1.key }.map(\.value)
      }
      if let next = state.actions.keys.min() { sleep(until: next, &state) }
      return due
    }
    for action in due { action() }
  }
}
