// Which channels a lost connection concerns.

import CRdKafka
import Dispatch
import Synchronization

/// Tells channels that the broker which leads their topic may be out of reach.
///
/// librdkafka looks for a way to read on without a word to those who read. A channel that nobody posts
/// to would look well, and its readers would wait, while the other nodes go on. So each connection that a
/// consumer loses is a reason to ask who leads which topic.
final class LeaderWatch: Sendable {
  /// Is told why reading may have stopped.
  typealias Observer = @Sendable (String) -> Void

  private struct State {
    var observers: [String: Observer] = [:]
    /// Brokers that have failed since the last look, and why.
    var failed: [String: String] = [:]
    var isLooking = false
  }

  /// Brokers that have a place in ``State/failed``; a cluster has fewer.
  private static let maximumFailed = 1_000
  /// Time from a failure to a look: a broker that stops in order has handed over its topics.
  private static let pause = DispatchTimeInterval.milliseconds(500)

  /// Milliseconds that a consumer may take to find a broker that answers.
  private static let patience: Int32 = 5_000

  private let state = Mutex(State())
  private let reachability: Reachability
  private let blocking: DispatchQueue
  private let consumers: @Sendable () -> [KafkaInstance]

  /// - Parameter consumers: The consumers that are there.
  init(
    reachability: Reachability, blocking: DispatchQueue,
    consumers: @escaping @Sendable () -> [KafkaInstance]
  ) {
    self.reachability = reachability
    self.blocking = blocking
    self.consumers = consumers
  }

  /// Begins to watch the leader of a topic.
  func observe(_ topic: String, _ observer: @escaping Observer) {
    state.withLock { $0.observers[topic] = observer }
  }

  /// Ends watching.
  func stopObserving(_ topic: String) {
    state.withLock { $0.observers[topic] = nil }
  }

  /// A consumer has lost a connection.
  func lost(_ failure: BrokerFailure) {
    let isFirst = state.withLock { state in
      guard !failure.broker.isEmpty, state.failed.count < Self.maximumFailed else { return false }
      state.failed[failure.broker] = failure.reason
      defer { state.isLooking = true }
      return !state.isLooking
    }
    if isFirst { lookLater() }
  }

  private func lookLater() {
    blocking.asyncAfter(deadline: .now() + Self.pause) { [weak self] in self?.look() }
  }

  private func look() {
    guard !reachability.isClosed else { return }
    // That all brokers are gone is told elsewhere.
    guard !reachability.isDown, let leaders = leaders() else { return lookLater() }
    let told: [(Observer, String)] = state.withLock { state in
      defer {
        state.failed = [:]
        state.isLooking = false
      }
      return leaders.compactMap { topic, leader in
        guard let observer = state.observers[topic] else { return nil }
        guard let leader else { return (observer, "the topic \(topic) has no leader") }
        return state.failed[leader].map {
          (observer, "the leader of the topic \(topic) may be out of reach: \($0)")
        }
      }
    }
    for (observer, reason) in told { observer(reason) }
  }

  /// The address of the broker that leads each topic's first partition, or nil if none does; nil if
  /// some consumer gets no answer.
  private func leaders() -> [(topic: String, leader: String?)]? {
    var result: [(topic: String, leader: String?)] = []
    for instance in consumers() {
      var metadata: UnsafePointer<rd_kafka_metadata>?
      defer { if let metadata { rd_kafka_metadata_destroy(metadata) } }
      // Only topics that this consumer reads.
      guard
        rd_kafka_metadata(instance.handle, 0, nil, &metadata, Self.patience)
          == RD_KAFKA_RESP_ERR_NO_ERROR,
        let answer = metadata?.pointee
      else { return nil }
      var brokers: [Int32: String] = [:]
      for broker in UnsafeBufferPointer(start: answer.brokers, count: Int(answer.broker_cnt)) {
        guard let host = broker.host else { continue }
        brokers[broker.id] = "\(String(cString: host)):\(broker.port)"
      }
      for topic in UnsafeBufferPointer(start: answer.topics, count: Int(answer.topic_cnt)) {
        guard let name = topic.topic, topic.partition_cnt > 0 else { continue }
        result.append((String(cString: name), brokers[topic.partitions[0].leader]))
      }
    }
    return result
  }
}
