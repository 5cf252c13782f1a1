// Whether a topic takes records, for those who ask for the node's health.

import Concurrency
import KafkaClient
import Synchronization

/// Knows whether a topic takes records, and finds out if it does not know.
final class TopicProbe: Sendable {
  /// How long the news that a topic takes records counts.
  static let validity = Duration.seconds(30)
  /// The longest that whoever asks has to wait.
  static let patience = Duration.seconds(2)

  private enum Knowledge {
    /// Nothing was posted yet.
    case none
    /// It took a record at that time.
    case works(TimeSource.Instant)
    /// It took no record. This is checked again each time somebody asks, so that a problem is not
    /// reported for longer than it exists.
    case fails(KafkaCode)

    var failure: KafkaCode? { if case .fails(let code) = self { code } else { nil } }
  }

  private enum State {
    /// → probing
    case idle(Knowledge)
    /// A record is on its way to find out; others who ask are told what was known before. → idle
    case probing(Knowledge)

    var knowledge: Knowledge {
      switch self {
      case .idle(let knowledge), .probing(let knowledge): knowledge
      }
    }

    /// A client has learned something.
    mutating func learn(_ knowledge: Knowledge) {
      switch self {
      case .idle: self = .idle(knowledge)
      case .probing: self = .probing(knowledge)
      }
    }

    /// Returns whether the caller has to find out.
    mutating func beginProbing(at now: TimeSource.Instant) -> Bool {
      guard case .idle(let knowledge) = self else { return false }
      if case .works(let instant) = knowledge, now - instant < TopicProbe.validity { return false }
      self = .probing(knowledge)
      return true
    }

    mutating func endProbing(_ knowledge: Knowledge) { self = .idle(knowledge) }
  }

  private let state = Mutex(State.idle(.none))
  private let time: any TimeSource

  init(time: any TimeSource) { self.time = time }

  /// Notes what became of a client's records.
  func posted(_ outcome: Delivery.Outcome) {
    guard let failure = outcome.failure else {
      let now = time.now
      return state.withLock { $0.learn(.works(now)) }
    }
    switch failure.meaning {
    // These say something about the records or this node, and not about the topic.
    case .tooLarge, .queueFull, .abandoned, .purged: break
    case .tooFewReplicas, .cannotCreateTopics, .topicRefused, .other:
      state.withLock { $0.learn(.fails(failure)) }
    }
  }

  /// Why the topic takes no records; nil if it does.
  func failure(posting: () -> Delivery) async -> KafkaCode? {
    let now = time.now
    let (hasToProbe, known) = state.withLock { ($0.beginProbing(at: now), $0.knowledge.failure) }
    guard hasToProbe else { return known }
    let delivery = posting()
    let alarm = Alarm(after: Self.patience, on: time) { delivery.abandon() }
    let outcome = await delivery.outcome()
    alarm.cancel()
    let then = time.now
    state.withLock { $0.endProbing(outcome.failure.map { .fails($0) } ?? .works(then)) }
    return outcome.failure
  }
}
