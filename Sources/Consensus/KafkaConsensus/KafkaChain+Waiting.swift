// How the chain's task waits: for the brokers' word, for the time of the next attempt, and never
// longer than until the chain is halted.

import Ordering

extension KafkaChain {
  /// Waits for a group of records to be posted. A halt ends the wait with an error.
  func awaitDelivery(_ delivery: Delivery) async -> Delivery.Outcome {
    let isHalted = signals.withLock { signals in
      signals.delivery = delivery
      return signals.isHalted
    }
    if isHalted { delivery.abandon() }
    defer { signals.withLock { $0.delivery = nil } }
    return await delivery.outcome()
  }

  /// Ends the task if the chain is halted.
  func checkHalted() throws(Halted) {
    if signals.withLock({ $0.isHalted }) { throw Halted() }
  }

  /// Waits for some time, or until the brokers are back.
  func pause(_ duration: Duration) async throws(Halted) {
    let deadline = ContinuousClock.now + duration
    let alarm = Task {
      guard (try? await Task.sleep(for: duration)) != nil else { return }
      self.wakeup.set()
    }
    defer { alarm.cancel() }
    while ContinuousClock.now < deadline {
      try checkHalted()
      let returned = signals.withLock { signals in
        defer { signals.brokersReturned = false }
        return signals.brokersReturned
      }
      if returned { return }
      await wakeup.wait()
    }
    try checkHalted()
  }

  /// Tries something until it works, at the intervals of `Kafka.Retry`.
  ///
  /// - Throws: `Halted`; the last error once all the time is over, or one that will always come.
  func retrying<Value>(
    _ what: String, _ attempt: () async throws(KafkaError) -> Value
  ) async throws -> Value {
    let begin = ContinuousClock.now
    var attempts = 0
    while true {
      try checkHalted()
      do throws(KafkaError) {
        return try await attempt()
      } catch {
        try checkHalted()
        if error.isFinal { throw error }
        let elapsed = ContinuousClock.now - begin
        let isShort = elapsed < settings.retry.shortTotal
        guard isShort || elapsed < settings.retry.shortTotal + settings.retry.longTotal else {
          throw error
        }
        let interval = max(
          isShort ? settings.retry.shortInterval : settings.retry.longInterval, .milliseconds(10))
        attempts += 1
        log(
          attempts == 1 ? .warning : .debug,
          "Need to retry to \(what), every \(interval): \(error)")
        try await pause(interval)
      }
    }
  }
}
