// The bounded queue between the many streams that submit to a channel and the one task that orders.

import Synchronization

/// A queue of batches for one consumer, bounded in messages and bytes.
///
/// A producer that finds the queue full waits, which holds back its own stream through flow control;
/// so memory is bounded by the limits plus one batch for each stream. Consuming takes everything that
/// waits at once, so that a busy channel needs few wake-ups.
package final class MessageQueue<Element: Sendable>: Sendable {
  /// What the consumer is woken with.
  package enum Delivery: Sendable {
    /// What was waiting, in order; empty if only ``MessageQueue/wake()`` was called.
    case elements([Element])
    /// The queue was closed, and everything that it had taken before was delivered.
    case closed
  }

  /// Why the queue took nothing.
  package enum Refusal: Error {
    /// The queue was closed.
    case closed
    /// There is no room, and as many producers as allowed wait for it already (none are while the
    /// queue is impatient).
    case overloaded
  }

  private struct State {
    var elements: [Element] = []
    var bytes = 0
    var woken = false
    var closed = false
    /// Producers are sent away rather than let wait.
    var impatient = false
    var consumer: CheckedContinuation<Void, Never>?
    var producers: [CheckedContinuation<Void, Never>] = []

    /// What `next` returns now, nil if it has to wait, and the producers for whom there is room then.
    mutating func take() -> (Delivery?, [CheckedContinuation<Void, Never>]) {
      guard !elements.isEmpty || woken else { return (closed ? .closed : nil, []) }
      defer {
        elements = []
        bytes = 0
        woken = false
        producers = []
      }
      return (.elements(elements), producers)
    }
  }

  private let state = Mutex(State())
  private let maximumCount: Int
  private let maximumBytes: Int
  private let maximumWaiting: Int

  /// - Parameters:
  ///   - maximumCount: Elements beyond which producers wait.
  ///   - maximumBytes: Total size beyond which producers wait.
  ///   - maximumWaiting: Producers that may wait; more are refused.
  package init(maximumCount: Int, maximumBytes: Int, maximumWaiting: Int) {
    self.maximumCount = maximumCount
    self.maximumBytes = maximumBytes
    self.maximumWaiting = maximumWaiting
  }

  /// Appends elements of a total size, waiting for room first.
  ///
  /// - Throws: ``Refusal``; none of the elements was taken then.
  package func append(_ elements: [Element], bytes: Int) async throws(Refusal) {
    while true {
      let outcome: Outcome = state.withLock { state in
        if state.closed { return .closed }
        guard state.elements.count < maximumCount, state.bytes < maximumBytes else {
          return state.producers.count < maximumWaiting && !state.impatient ? .full : .overloaded
        }
        state.elements += elements
        state.bytes += bytes
        defer { state.consumer = nil }
        return .taken(state.consumer)
      }
      switch outcome {
      case .closed: throw .closed
      case .overloaded: throw .overloaded
      case .taken(let consumer):
        consumer?.resume()
        return
      case .full:
        await withCheckedContinuation { continuation in
          let ready = state.withLock { state in
            if state.closed || state.impatient
              || (state.elements.count < maximumCount && state.bytes < maximumBytes)
            {
              return true
            }
            state.producers.append(continuation)
            return false
          }
          if ready { continuation.resume() }
        }
      }
    }
  }

  private enum Outcome {
    case closed
    case overloaded
    case full
    case taken(CheckedContinuation<Void, Never>?)
  }

  /// Everything that waits; suspends until there is something, or somebody calls ``wake()``.
  ///
  /// Only one task may call this at a time.
  package func next() async -> Delivery {
    while true {
      let (delivery, producers) = state.withLock { state in
        state.take()
      }
      for producer in producers { producer.resume() }
      if let delivery { return delivery }
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          if !state.elements.isEmpty || state.woken || state.closed { return true }
          state.consumer = continuation
          return false
        }
        if ready { continuation.resume() }
      }
    }
  }

  /// Lets ``next()`` return even if nothing waits, e.g. because a timer has fired.
  package func wake() {
    let consumer = state.withLock { state in
      state.woken = true
      defer { state.consumer = nil }
      return state.consumer
    }
    consumer?.resume()
  }

  /// Sends producers away who wait for room, and those who would, or lets them wait again.
  package func setImpatient(_ impatient: Bool) {
    let waiting = state.withLock { state in
      state.impatient = impatient
      guard impatient else { return [CheckedContinuation<Void, Never>]() }
      defer { state.producers = [] }
      return state.producers
    }
    for producer in waiting { producer.resume() }
  }

  /// Refuses new elements; the consumer gets what is there and then the end.
  package func close() {
    let waiting = state.withLock { state in
      state.closed = true
      let waiting = state.producers + (state.consumer.map { [$0] } ?? [])
      state.producers = []
      state.consumer = nil
      return waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
