// Whether the brokers can be reached, for all who want to know.

import Logging
import Synchronization

/// Knows whether all brokers of a set are gone, and why the last one that failed did.
final class Reachability: Sendable {
  private struct State {
    var isDown = false
    var isClosed = false
    var nextID: UInt = 0
    var observers: [UInt: KafkaClient.Observer] = [:]
    var onSuspicion: (@Sendable () -> Void)?
    /// Whether a suspicion came before anybody could look.
    var isSuspicious = false
    var failure: String?
    /// What the observers know.
    var problem: String?
    var told: [Complaint: ContinuousClock.Instant] = [:]
  }

  /// What the log is told once in a while.
  private struct Complaint: Hashable {
    var kind: BrokerFailure.Kind
    var broker: String
  }

  /// A broker's problem is told again after this time, if it lasts.
  private static let repetition = Duration.seconds(300)
  /// Problems of which it is known when they were told.
  private static let maximumComplaints = 200

  private let state = Mutex(State())
  /// Is held while observers are told, so that the last thing that each hears is what holds.
  private let telling = Mutex(())
  private let brokers: String
  private let trust: BrokerTrust?
  private let logger: Logger

  init(brokers: String, trust: BrokerTrust? = nil, logger: Logger) {
    self.brokers = brokers
    self.trust = trust
    self.logger = logger
  }

  var isDown: Bool { state.withLock { $0.isDown } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Why no broker can be reached; nil if one can, as far as is known.
  var problem: String? {
    state.withLock { $0.problem }
  }

  private func text(_ state: State) -> String {
    "none of the Kafka brokers \(brokers) can be reached"
      + (state.failure.map { " (\($0))" } ?? "")
  }

  /// Sets what is done when it looks as if all brokers have gone; at once if it does already.
  func onSuspicion(_ action: @escaping @Sendable () -> Void) {
    let isSuspicious = state.withLock { state in
      state.onSuspicion = action
      return state.isSuspicious
    }
    if isSuspicious { action() }
  }

  func observe(_ observer: @escaping KafkaClient.Observer) -> UInt {
    telling.withLock { _ in
      let (id, problem) = state.withLock { state in
        state.nextID += 1
        state.observers[state.nextID] = observer
        return (state.nextID, state.isDown ? state.problem : nil)
      }
      if let problem { observer(problem) }
      return id
    }
  }

  func stopObserving(_ id: UInt) {
    state.withLock { $0.observers[id] = nil }
  }

  func close() {
    state.withLock { state in
      state.isClosed = true
      state.observers = [:]
      state.onSuspicion = nil
    }
  }

  /// A connection has failed, for the reason that librdkafka gives.
  @discardableResult
  func failed(_ text: String) -> BrokerFailure {
    let failure = BrokerFailure(text, ownCertificate: trust?.ownCertificate) { broker in
      trust?.takeProblem(of: broker)
    }
    let level: Logger.Level = state.withLock { state in
      guard !state.isClosed else { return .debug }
      state.failure = failure.reason
      // Connections come and go; that all are gone is told elsewhere.
      guard failure.kind != .other else { return .debug }
      let now = ContinuousClock.now
      let complaint = Complaint(kind: failure.kind, broker: failure.broker)
      if let last = state.told[complaint], now - last < Self.repetition { return .debug }
      if state.told.count >= Self.maximumComplaints { state.told = [:] }
      state.told[complaint] = now
      return failure.kind == .closed ? .info : .warning
    }
    logger.log(level: level, "\(Self.sentence(failure.reason))")
    return failure
  }

  private static func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst()
  }

  /// No connection is left; somebody should look whether one can be made. Brokers also end connections
  /// that nobody has used for some time.
  func suspect() {
    let action = state.withLock { state in
      state.isSuspicious = true
      return state.isClosed ? nil : state.onSuspicion
    }
    action?()
  }

  /// A look for brokers found none.
  func down() {
    let news: (isNew: Bool, problem: String)? = state.withLock { state in
      let problem = text(state)
      guard !state.isClosed, !state.isDown || state.problem != problem else { return nil }
      defer {
        state.isDown = true
        state.problem = problem
      }
      return (!state.isDown, problem)
    }
    guard let (isNew, problem) = news else { return }
    if isNew {
      logger.warning(
        """
        \(Self.sentence(problem)). Submissions are refused, and are taken again once a broker is back
        """)
    }
    tell()
  }

  /// A broker has answered.
  func up() {
    let isNew = state.withLock { state in
      state.isSuspicious = false
      guard state.isDown, !state.isClosed else { return false }
      state.isDown = false
      state.failure = nil
      state.problem = nil
      state.told = [:]
      return true
    }
    guard isNew else { return }
    logger.info("The Kafka brokers \(brokers) can be reached again")
    tell()
  }

  /// Tells the observers what holds now, which may have changed since the caller looked.
  private func tell() {
    telling.withLock { _ in
      let (problem, observers) = state.withLock { ($0.problem, Array($0.observers.values)) }
      for observer in observers { observer(problem) }
    }
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
