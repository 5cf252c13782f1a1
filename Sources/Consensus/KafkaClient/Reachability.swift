// Whether the brokers can be reached, for all who want to know.

import Concurrency
import Logging
import Synchronization

/// Knows whether all brokers of a set are gone, and why the last one that failed did.
final class Reachability: Sendable {
  /// Counts the suspicions that have arisen.
  typealias Suspicions = UInt

  private enum Phase {
    /// At least one broker can be reached, as far as is known. → suspected, closed
    case reachable
    /// The connections were lost, or not all are back; a search is under way. → reachable, down, closed
    case suspected
    /// A search has found no broker, and goes on; observers know the problem. → reachable, suspected,
    /// closed
    case down(problem: String)
    /// Final.
    case closed
  }

  private struct State {
    private(set) var phase = Phase.reachable
    private(set) var suspicions: Suspicions = 0
    var nextID: UInt = 0
    var observers: [UInt: KafkaClient.Observer] = [:]
    var beginSearch: (@Sendable () -> Void)?
    /// Why the last connection failed.
    private(set) var failure: String?
    private var complaints = Complaints()

    var problem: String? {
      if case .down(let problem) = phase { problem } else { nil }
    }

    /// Notes a failure; returns whether to log it.
    mutating func failed(_ failure: BrokerFailure, at now: TimeSource.Instant) -> Bool {
      if case .closed = phase { return false }
      self.failure = failure.reason
      // Connections come and go; ``Phase`` says whether all are gone.
      guard failure.kind != .other else { return false }
      return complaints.admits(
        Complaints.Complaint(kind: failure.kind, broker: failure.broker), at: now)
    }

    /// Something points to an outage; returns whether a search has to begin.
    mutating func suspect() -> Bool {
      suspicions += 1
      guard case .reachable = phase else { return false }
      phase = .suspected
      return true
    }

    /// A search found nobody. Nil if observers know that, otherwise whether the outage is new.
    mutating func down(_ problem: String) -> Bool? {
      switch phase {
      case .suspected:
        phase = .down(problem: problem)
        return true
      case .down(let known):
        phase = .down(problem: problem)
        return known == problem ? nil : false
      case .reachable, .closed: return nil
      }
    }

    /// A broker has answered, and the search goes on for the others; returns whether that ends an
    /// outage.
    mutating func up() -> Bool {
      guard case .down = phase else { return false }
      phase = .suspected
      forget()
      return true
    }

    /// All brokers have answered. Nil if the search has to go on, otherwise whether that ends an outage.
    mutating func found(asOf suspicions: Suspicions) -> Bool? {
      // A connection may have been lost after it answered.
      guard suspicions == self.suspicions else { return nil }
      switch phase {
      case .reachable, .closed: return false
      case .suspected:
        phase = .reachable
        return false
      case .down:
        phase = .reachable
        forget()
        return true
      }
    }

    mutating func close() {
      phase = .closed
      observers = [:]
      beginSearch = nil
    }

    private mutating func forget() {
      failure = nil
      complaints = Complaints()
    }
  }

  private let state = Mutex(State())
  /// Held while observers are told, so that the last thing each hears is current.
  private let telling = Mutex(())
  private let brokers: String
  private let trust: BrokerTrust?
  private let time: any TimeSource
  private let logger: Logger

  init(brokers: String, trust: BrokerTrust? = nil, time: any TimeSource, logger: Logger) {
    self.brokers = brokers
    self.trust = trust
    self.time = time
    self.logger = logger
  }

  /// Whether no broker can be reached.
  var isDown: Bool { problem != nil }
  var isClosed: Bool {
    state.withLock { if case .closed = $0.phase { true } else { false } }
  }

  /// Why no broker can be reached; nil if one can, as far as is known.
  var problem: String? { state.withLock { $0.problem } }

  /// The suspicions so far; nil once this is closed.
  var suspicions: Suspicions? {
    state.withLock { state in
      if case .closed = state.phase { nil } else { state.suspicions }
    }
  }

  /// Sets how a search begins (``BrokerSearch``); one begins at once if there is a reason already.
  func onSuspicion(_ beginSearch: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      state.beginSearch = beginSearch
      if case .suspected = state.phase { return true }
      return false
    }
    if isLate { beginSearch() }
  }

  func observe(_ observer: @escaping KafkaClient.Observer) -> UInt {
    telling.withLock { _ in
      let (id, problem) = state.withLock { state in
        state.nextID += 1
        state.observers[state.nextID] = observer
        return (state.nextID, state.problem)
      }
      if let problem { observer(problem) }
      return id
    }
  }

  func stopObserving(_ id: UInt) {
    state.withLock { $0.observers[id] = nil }
  }

  func close() { state.withLock { $0.close() } }

  /// A connection has failed, for the reason that librdkafka gives.
  @discardableResult
  func failed(_ text: String) -> BrokerFailure {
    let failure = BrokerFailure(text, ownCertificate: trust?.ownCertificate) { broker in
      trust?.takeProblem(of: broker)
    }
    let now = time.now
    let isNews = state.withLock { $0.failed(failure, at: now) }
    let level: Logger.Level = !isNews ? .debug : failure.kind == .closed ? .info : .warning
    logger.log(level: level, "\(Self.sentence(failure.reason))")
    return failure
  }

  /// No connection is left, so somebody should look whether one can be made: brokers also end
  /// connections that nobody has used for some time.
  func suspect() {
    let beginSearch = state.withLock { $0.suspect() ? $0.beginSearch : nil }
    beginSearch?()
  }

  /// A search has found no broker.
  func down() {
    let news: (isNew: Bool, problem: String)? = state.withLock { state in
      let problem =
        "none of the Kafka brokers \(brokers) can be reached"
        + (state.failure.map { " (\($0))" } ?? "")
      return state.down(problem).map { ($0, problem) }
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
    if state.withLock({ $0.up() }) { tellOfReturn() }
  }

  /// A search has found all brokers, unless somebody has suspected something since.
  ///
  /// - Returns: Whether the search is over.
  func found(asOf suspicions: Suspicions) -> Bool {
    guard let endsOutage = state.withLock({ $0.found(asOf: suspicions) }) else { return false }
    if endsOutage { tellOfReturn() }
    return true
  }

  private func tellOfReturn() {
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

  private static func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst()
  }
}
