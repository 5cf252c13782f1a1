// Waits for the brokers' word on records that were posted together.

import CRdKafka
import Synchronization

/// Collects the delivery reports of a group of records.
final class Delivery: Sendable {
  /// How a group of records ended.
  struct Outcome: Sendable {
    /// The first error; nil if all records are in the topic.
    var failure: Int32?
    /// Offset of the record with the highest one.
    var offset: Int64 = -1
  }

  private struct State {
    var remaining: Int
    var outcome = Outcome()
    var isAbandoned = false
    var waiter: CheckedContinuation<Outcome, Never>?
  }

  private let state: Mutex<State>
  private let whenReported: (@Sendable () -> Void)?

  /// - Parameter whenReported: Is called once, after the last report; never for no records.
  init(count: Int, whenReported: (@Sendable () -> Void)? = nil) {
    state = Mutex(State(remaining: count))
    self.whenReported = whenReported
  }

  /// Takes one report.
  func report(_ code: rd_kafka_resp_err_t, offset: Int64) {
    let (isLast, waiter): (Bool, (CheckedContinuation<Outcome, Never>, Outcome)?) = state.withLock {
      state in
      state.remaining -= 1
      if code != RD_KAFKA_RESP_ERR_NO_ERROR {
        if state.outcome.failure == nil { state.outcome.failure = code.rawValue }
      } else {
        state.outcome.offset = max(state.outcome.offset, offset)
      }
      guard state.remaining == 0, let waiter = state.waiter else {
        return (state.remaining == 0, nil)
      }
      state.waiter = nil
      return (true, (waiter, state.outcome))
    }
    if isLast { whenReported?() }
    if let (waiter, outcome) = waiter { waiter.resume(returning: outcome) }
  }

  /// Lets whoever waits go on with an error, whatever becomes of the records.
  func abandon() {
    let waiter = state.withLock { state in
      state.isAbandoned = true
      if state.outcome.failure == nil {
        state.outcome.failure = RD_KAFKA_RESP_ERR__DESTROY.rawValue
      }
      defer { state.waiter = nil }
      return state.waiter.map { ($0, state.outcome) }
    }
    if let (waiter, outcome) = waiter { waiter.resume(returning: outcome) }
  }

  /// Waits until every record has its report.
  func outcome() async -> Outcome {
    await withCheckedContinuation { continuation in
      let done: Outcome? = state.withLock { state in
        if state.remaining == 0 || state.isAbandoned { return state.outcome }
        state.waiter = continuation
        return nil
      }
      if let done { continuation.resume(returning: done) }
    }
  }
}
