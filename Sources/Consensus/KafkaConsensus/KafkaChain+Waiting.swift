// How the chain's task waits: for the brokers' word, for the time of the next attempt, and never
// longer than until the chain is halted.

import Concurrency
import KafkaClient

extension KafkaChain {
  /// Waits for a group of records to be posted; a halt ends the wait with ``KafkaCode/abandoned``.
  func awaitDelivery(_ delivery: Delivery) async -> Delivery.Outcome {
    if !state.change({ $0.await(delivery) }) { delivery.abandon() }
    defer { _ = state.change { $0.await(nil) } }
    return await delivery.outcome()
  }

  /// Ends the task if the chain is halted.
  func checkHalted() throws(Halted) {
    if state.read({ $0.isHalted }) { throw Halted() }
  }

  /// Waits for some time, or until the brokers are back.
  func pause(_ duration: Duration) async throws(Halted) {
    _ = await state.wait(until: time.now + duration, on: time) { state -> Void? in
      state.isHalted || state.takeReturn() ? () : nil
    }
    try checkHalted()
  }

  /// Tries something until it works, at the intervals of `Kafka.Retry`.
  ///
  /// - Throws: ``Halted``; the last error once all the time is over, or one that will always come.
  func retrying<Value>(
    _ what: String, _ attempt: () async throws(KafkaError) -> Value
  ) async throws -> Value {
    let begin = time.now
    var attempts = 0
    while true {
      try checkHalted()
      do throws(KafkaError) {
        return try await attempt()
      } catch {
        try checkHalted()
        guard !error.isFinal, let interval = settings.retry.interval(after: time.now - begin) else {
          throw error
        }
        attempts += 1
        log(
          attempts == 1 ? .warning : .debug,
          "Need to retry to \(what), every \(interval): \(error)")
        try await pause(interval)
      }
    }
  }
}

extension KafkaSettings.Retry {
  /// The pause before the next attempt, some time after the first one; nil once all the time is over.
  func interval(after elapsed: Duration) -> Duration? {
    // A pause of nothing would spin.
    if elapsed < shortTotal { return max(shortInterval, .milliseconds(10)) }
    return elapsed < shortTotal + longTotal ? max(longInterval, .milliseconds(10)) : nil
  }
}
