// Whether the brokers can be reached, for all who want to know.

import Logging
import Synchronization

/// Knows whether all brokers of a set are gone.
final class Reachability: Sendable {
  private struct State {
    var isDown = false
    var isClosed = false
    var nextID: UInt = 0
    var observers: [UInt: KafkaClient.Observer] = [:]
    var onDown: (@Sendable () -> Void)?
    var lastWarning: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let brokers: String
  private let logger: Logger

  init(brokers: String, logger: Logger) {
    self.brokers = brokers
    self.logger = logger
  }

  var isDown: Bool { state.withLock { $0.isDown } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Sets what is done when the brokers have gone; at once if they are gone already.
  func onDown(_ action: @escaping @Sendable () -> Void) {
    let isDown = state.withLock { state in
      state.onDown = action
      return state.isDown
    }
    if isDown { action() }
  }

  func observe(_ observer: @escaping KafkaClient.Observer) -> UInt {
    let (id, isDown) = state.withLock { state in
      state.nextID += 1
      state.observers[state.nextID] = observer
      return (state.nextID, state.isDown)
    }
    if isDown { observer(false) }
    return id
  }

  func stopObserving(_ id: UInt) {
    state.withLock { $0.observers[id] = nil }
  }

  func close() {
    state.withLock { state in
      state.isClosed = true
      state.observers = [:]
      state.onDown = nil
    }
  }

  /// No broker can be reached.
  func down() {
    let told: (observers: [KafkaClient.Observer], action: (@Sendable () -> Void)?)? =
      state.withLock { state in
        guard !state.isDown, !state.isClosed else { return nil }
        state.isDown = true
        return (Array(state.observers.values), state.onDown)
      }
    guard let told else { return }
    logger.warning(
      """
      None of the Kafka brokers \(brokers) can be reached. Submissions are refused, and are \
      taken again once a broker is back
      """)
    for observer in told.observers { observer(false) }
    told.action?()
  }

  /// A look for brokers found none, though something may have seemed otherwise.
  func remainsDown() {
    let observers = state.withLock { state in
      guard !state.isDown, !state.isClosed else { return [KafkaClient.Observer]() }
      state.isDown = true
      return Array(state.observers.values)
    }
    for observer in observers { observer(false) }
  }

  /// Whether an error deserves a warning: one in a while does.
  func mayWarn() -> Bool {
    state.withLock { state in
      let now = ContinuousClock.now
      if let last = state.lastWarning, now - last < .seconds(10) { return false }
      state.lastWarning = now
      return true
    }
  }

  /// A broker has answered.
  func up() {
    let observers = state.withLock { state in
      guard state.isDown, !state.isClosed else { return [KafkaClient.Observer]() }
      state.isDown = false
      return Array(state.observers.values)
    }
    logger.info("The Kafka brokers \(brokers) can be reached again")
    for observer in observers { observer(true) }
  }
}

/// The topic creations that are under way.
final class TopicRequests: Sendable {
  typealias Answer = CheckedContinuation<KafkaError?, Never>

  private struct State {
    var isClosed = false
    var nextID: UInt = 0
    var waiting: [UInt: Answer] = [:]
  }

  private let state = Mutex(State())

  /// Remembers who waits; nil, after an answer, if the client is closed.
  func add(_ answer: Answer) -> UInt? {
    let id: UInt? = state.withLock { state in
      guard !state.isClosed else { return nil }
      state.nextID += 1
      state.waiting[state.nextID] = answer
      return state.nextID
    }
    if id == nil { answer.resume(returning: .closed) }
    return id
  }

  func complete(_ id: UInt, _ error: KafkaError?) {
    state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: error)
  }

  func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for answer in waiting { answer.resume(returning: .closed) }
  }
}
