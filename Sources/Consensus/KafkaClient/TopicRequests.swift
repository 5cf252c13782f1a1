// Who waits for a topic to be created.

import Synchronization

/// The topic creations that are under way.
final class TopicRequests: Sendable {
  typealias Answer = CheckedContinuation<KafkaError?, Never>

  private enum State {
    /// → closed
    case open(nextID: UInt, waiting: [UInt: Answer])
    /// Final.
    case closed

    /// Remembers someone who waits; nil if the client is closed.
    mutating func add(_ answer: Answer) -> UInt? {
      guard case .open(let id, var waiting) = self else { return nil }
      waiting[id] = answer
      self = .open(nextID: id + 1, waiting: waiting)
      return id
    }

    mutating func take(_ id: UInt) -> Answer? {
      guard case .open(let next, var waiting) = self else { return nil }
      let answer = waiting.removeValue(forKey: id)
      self = .open(nextID: next, waiting: waiting)
      return answer
    }

    mutating func close() -> [Answer] {
      guard case .open(_, let waiting) = self else { return [] }
      self = .closed
      return Array(waiting.values)
    }
  }

  /// Numbers begin with 1: librdkafka hands them back as pointers, and nil would be no request.
  private let state = Mutex(State.open(nextID: 1, waiting: [:]))

  /// Remembers who waits; if the client is closed, gives the answer at once and returns nil.
  func add(_ answer: Answer) -> UInt? {
    let id = state.withLock { $0.add(answer) }
    if id == nil { answer.resume(returning: .closed) }
    return id
  }

  /// Answers a request.
  func complete(_ id: UInt, _ error: KafkaError?) {
    state.withLock { $0.take(id) }?.resume(returning: error)
  }

  /// Answers all requests, and those to come, with ``KafkaError/closed``.
  func close() {
    for answer in state.withLock({ $0.close() }) { answer.resume(returning: .closed) }
  }
}
