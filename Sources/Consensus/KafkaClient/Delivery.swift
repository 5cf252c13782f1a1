// Waits for the brokers' word on records that were posted together.

import CRdKafka
import Synchronization

/// Collects the delivery reports of a group of records.
///
/// One is made for every message that is posted, so this has its own lock and continuation; the
/// rest of the program waits with ``Watched``, which costs a few more allocations.
package final class Delivery: Sendable {
  /// How a group of records ended.
  package struct Outcome: Sendable {
    /// The first error; nil if all records are in the topic.
    package var failure: KafkaCode?
    /// Offset of the record with the highest one; -1 if the brokers told none.
    package var offset: Int64

    package init(failure: KafkaCode? = nil, offset: Int64 = -1) {
      self.failure = failure
      self.offset = offset
    }
  }

  private typealias Waiter = CheckedContinuation<Outcome, Never>

  private enum State {
    /// Reports are missing. → complete, abandoned
    case open(remaining: Int, Outcome, Waiter?)
    /// Nobody waits for the missing reports any more. Ends with the last of them. → complete
    case abandoned(remaining: Int, Outcome)
    /// Every record has its report. Final.
    case complete(Outcome)

    init(count: Int) {
      self = count > 0 ? .open(remaining: count, Outcome(), nil) : .complete(Outcome())
    }

    /// Takes a report. Tells whether it was the last one, and whom to wake.
    mutating func report(_ failure: KafkaCode?, _ offset: Int64) -> (isLast: Bool, wake: Wake?) {
      switch self {
      case .open(let remaining, var outcome, let waiter):
        if let failure {
          outcome.failure = outcome.failure ?? failure
        } else {
          outcome.offset = max(outcome.offset, offset)
        }
        guard remaining == 1 else {
          self = .open(remaining: remaining - 1, outcome, waiter)
          return (false, nil)
        }
        self = .complete(outcome)
        return (true, waiter.map { Wake(waiter: $0, outcome: outcome) })
      case .abandoned(let remaining, let outcome):
        guard remaining == 1 else {
          self = .abandoned(remaining: remaining - 1, outcome)
          return (false, nil)
        }
        self = .complete(outcome)
        return (true, nil)
      case .complete: return (false, nil)
      }
    }

    /// Gives up; returns whom to wake.
    mutating func abandon() -> Wake? {
      guard case .open(let remaining, var outcome, let waiter) = self else { return nil }
      outcome.failure = outcome.failure ?? .abandoned
      self = .abandoned(remaining: remaining, outcome)
      return waiter.map { Wake(waiter: $0, outcome: outcome) }
    }

    /// The outcome, if it is known; otherwise the waiter is remembered.
    mutating func wait(_ waiter: Waiter) -> Outcome? {
      switch self {
      case .open(let remaining, let outcome, _):
        self = .open(remaining: remaining, outcome, waiter)
        return nil
      case .abandoned(_, let outcome), .complete(let outcome): return outcome
      }
    }
  }

  private struct Wake {
    let waiter: Waiter
    let outcome: Outcome

    func callAsFunction() { waiter.resume(returning: outcome) }
  }

  private let state: Mutex<State>
  private let whenReported: (@Sendable () -> Void)?

  /// - Parameters:
  ///   - count: Reports to wait for.
  ///   - whenReported: Called once, after the last report; never if there are no records.
  package init(count: Int, whenReported: (@Sendable () -> Void)? = nil) {
    state = Mutex(State(count: count))
    self.whenReported = whenReported
  }

  /// Takes the report on one record: why it is not in the topic, or its offset there.
  package func report(_ failure: KafkaCode?, offset: Int64) {
    let (isLast, wake) = state.withLock { $0.report(failure, offset) }
    if isLast { whenReported?() }
    wake?()
  }

  /// Ends the wait with ``KafkaCode/abandoned``, whatever becomes of the records.
  package func abandon() {
    let wake = state.withLock { $0.abandon() }
    wake?()
  }

  /// Waits until every record has its report. Only one task may call this.
  package func outcome() async -> Outcome {
    await withCheckedContinuation { continuation in
      let known = state.withLock { $0.wait(continuation) }
      if let known { continuation.resume(returning: known) }
    }
  }
}
