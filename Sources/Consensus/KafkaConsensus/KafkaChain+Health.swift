// What a Kafka chain tells those who ask for the node's health.

import CRdKafka
import Ordering
import Synchronization

extension KafkaChain {
  /// Topic and partition, as the Go implementation calls the component.
  package var healthComponent: String? { "\(channelID)/0" }

  /// Whether the topic takes records. As the Go implementation does, this posts a CONNECT record to find
  /// out, though not more often than twice a minute, and not to a topic that just took one.
  ///
  /// Before the chain is up, and after it has halted, the channel itself tells why.
  package func healthProblem() async -> String? {
    guard let (client, topic) = signals.withLock({ $0.route }) else { return nil }
    let advice = "The channel goes on by itself once the cause is gone; no restart is needed"
    if let problem = client.problem ?? trouble.problem { return "\(problem). \(advice)" }
    guard let code = await probe.failure(posting: { topic.post([.connect]) }) else { return nil }
    switch code {
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS.rawValue,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND.rawValue:
      let replicas = await client.replicas(of: channelID)
      return """
        \(replicas.map { "\($0): " } ?? "")too few replicas of the topic \(channelID) are in sync \
        (min.insync.replicas): bring back the brokers that are missing. \(advice)
        """
    case RD_KAFKA_RESP_ERR__DESTROY.rawValue:
      return """
        the Kafka brokers have not confirmed a record for the topic \(channelID) within \
        \(TopicProbe.patience): see their logs. \(advice)
        """
    default:
      return "cannot post to the topic \(channelID): \(KafkaError.name(code)). \(advice)"
    }
  }
}

/// Knows whether a topic takes records, and finds out if it does not.
final class TopicProbe: Sendable {
  /// How long an answer counts.
  static let validity = Duration.seconds(30)
  /// How long whoever asks has to wait at most.
  static let patience = Duration.seconds(2)

  private struct State {
    /// When the last post ended, and how.
    var last: ContinuousClock.Instant?
    var failure: Int32?
    var isProbing = false
  }

  private let state = Mutex(State())

  /// Takes notice of what became of a client's records.
  func posted(_ outcome: Delivery.Outcome) {
    state.withLock { state in
      switch outcome.failure {
      // These say something about the records, or this node, and not about the topic.
      case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue, RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue,
        RD_KAFKA_RESP_ERR__DESTROY.rawValue, RD_KAFKA_RESP_ERR__PURGE_QUEUE.rawValue:
        break
      case let failure?:
        state.failure = failure
        // Whether it lasts has to be found out.
        state.last = nil
      case nil:
        state.failure = nil
        state.last = .now
      }
    }
  }

  /// Why the topic takes no records; nil if it does.
  func failure(posting: () -> Delivery) async -> Int32? {
    let known: Int32?? = state.withLock { state in
      if let last = state.last, .now - last < Self.validity { return state.failure }
      if state.isProbing { return state.failure }
      state.isProbing = true
      return nil
    }
    if let known { return known }
    let delivery = posting()
    let alarm = Task {
      guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
      delivery.abandon()
    }
    let outcome = await delivery.outcome()
    alarm.cancel()
    return state.withLock { state in
      state.isProbing = false
      state.failure = outcome.failure
      // What is wrong should not be told for longer than it is.
      state.last = outcome.failure == nil ? .now : nil
      return outcome.failure
    }
  }
}
