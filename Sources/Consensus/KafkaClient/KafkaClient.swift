// What all users of the same brokers share: producers, consumers, and the knowledge whether the brokers
// can be reached.

import CRdKafka
import Concurrency
import Foundation
import Logging
import Synchronization

/// The connections of this process to one set of brokers.
package final class KafkaClient: Sendable {
  /// Called when all brokers have gone, with the reason, and when one is back (nil).
  package typealias Observer = @Sendable (String?) -> Void

  private let reachability: Reachability
  private let producers: PostingLanes
  private let consumers: ReadingLanes
  private let requests: TopicRequests
  private let leaders: LeaderWatch
  private let settings: KafkaClientSettings
  private let blocking = BlockingCalls()

  /// - Parameters:
  ///   - brokers: Addresses of some of the brokers, as `host:port`.
  ///   - time: For the pauses between this client's own attempts; librdkafka has a clock of its own.
  ///   - now: The date by which brokers' certificates are valid or not.
  /// - Throws: ``KafkaError`` if librdkafka refuses a setting.
  package init(
    brokers: [String], settings: KafkaClientSettings, metrics: KafkaClientMetrics,
    time: any TimeSource, now: @escaping @Sendable () -> Date, logger: Logger
  ) throws(KafkaError) {
    self.settings = settings
    let trust = try settings.tls.map { tls throws(KafkaError) in try BrokerTrust(tls, now: now) }
    trust?.warn(logger)
    let reachability = Reachability(
      brokers: brokers.joined(separator: ", "), trust: trust, time: time, logger: logger)
    let requests = TopicRequests()
    // The consumers, as soon as there are some; they outlive the client no more than its callbacks do.
    let lanes = WeakReadingLanes()
    let leaders = LeaderWatch(reachability: reachability, time: time) { [blocking] in
      await blocking.run { Self.leaders(lanes.all) }
    }
    var common = settings.properties(brokers: brokers, trust: trust)
    if metrics.isRecording {
      common.append(("statistics.interval.ms", "\(KafkaClientMetrics.interval.milliseconds)"))
    }
    let make = {
      @Sendable [common]
      (
        type: rd_kafka_type_t, own: [(name: String, value: String)]
      ) throws(KafkaError) in
      let events = KafkaEvents(
        reachability: reachability, requests: requests, metrics: metrics,
        source: metrics.makeSource(), leaders: type == RD_KAFKA_CONSUMER ? leaders : nil,
        time: time, logger: logger)
      return try KafkaInstance(type, properties: common + own, trust: trust) { events.handle($0) }
    }
    producers = try PostingLanes(blocking: blocking) { () throws(KafkaError) in
      try make(RD_KAFKA_PRODUCER, settings.producerProperties)
    }
    do {
      consumers = try ReadingLanes { () throws(KafkaError) in
        try make(RD_KAFKA_CONSUMER, settings.consumerProperties)
      }
    } catch {
      producers.close()
      throw error
    }
    lanes.set(consumers)
    self.reachability = reachability
    self.requests = requests
    self.leaders = leaders
    let search = Self.search(reachability, producers, consumers, settings, blocking, time)
    reachability.onSuspicion { Task { await search.run() } }
  }

  /// Ends the threads; whoever waits is told so.
  package func close() {
    reachability.close()
    requests.close()
    producers.close()
    consumers.close()
  }

  deinit { close() }

  // MARK: Brokers

  /// Whether no broker can be reached.
  package var isDown: Bool { reachability.isDown }

  /// Why no broker can be reached; nil if one can.
  package var problem: String? { reachability.problem }

  /// Begins to tell an observer when the brokers go and come back; if they are gone, it is told at once.
  package func observe(_ observer: @escaping Observer) -> UInt { reachability.observe(observer) }

  /// Stops telling an observer.
  package func stopObserving(_ id: UInt) { reachability.stopObserving(id) }

  /// Begins to tell when the leader of a topic that is read may be out of reach.
  package func observeLeader(of topic: String, _ observer: @escaping LeaderWatch.Observer) {
    leaders.observe(topic, observer)
  }

  /// Stops telling.
  package func stopObservingLeader(of topic: String) { leaders.stopObserving(topic) }

  /// What looks for brokers once they seem to be gone.
  private static func search(
    _ reachability: Reachability, _ producers: PostingLanes, _ consumers: ReadingLanes,
    _ settings: KafkaClientSettings, _ blocking: BlockingCalls, _ time: any TimeSource
  ) -> BrokerSearch {
    BrokerSearch(
      reachability: reachability, time: time,
      pause: max(settings.metadataRetryBackoff, .milliseconds(50)),
      ask: {
        // A loss of brokers should show soon; some that come back take time to answer.
        let timeout = Int32(
          reachability.isDown ? min(max(settings.readTimeout.milliseconds, 1_000), 5_000) : 1_000)
        let instances = producers.all + consumers.all
        let answers = await withTaskGroup(of: Bool.self) { group in
          for instance in instances {
            group.addTask {
              await blocking.run { (try? ClusterMetadata.ask(instance, timeout: timeout)) != nil }
            }
          }
          return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        return answers == 0 ? .none : answers == instances.count ? .all : .some
      },
      whenNone: {
        // Clients need not wait for brokers that are not there.
        for producer in producers.all { _ = heddle_kafka_purge_queued(producer.handle) }
      })
  }

  /// Who leads the topics that these consumers read; nil if one of them gets no answer.
  private static func leaders(_ consumers: [KafkaInstance]) -> [LeaderWatch.Leader]? {
    /// Milliseconds that a consumer may take to find a broker that answers.
    let timeout: Int32 = 5_000
    var result: [LeaderWatch.Leader] = []
    for consumer in consumers {
      guard let metadata = try? ClusterMetadata.ask(consumer, timeout: timeout) else { return nil }
      for topic in metadata.topics {
        guard let partition = topic.first else { continue }
        result.append((topic.name, metadata.brokers[partition.leader]))
      }
    }
    return result
  }

  // MARK: Topics

  /// Whether the brokers know a topic. The question does not create it (from Kafka 0.11 on).
  private func hasTopic(_ name: String) async throws(KafkaError) -> Bool {
    let metadata = try await ask(
      about: name, timeout: Int32(min(max(settings.readTimeout.milliseconds, 500), 5_000)))
    guard let topic = metadata.topics.first else { return false }
    return topic.isKnown && topic.first != nil
  }

  /// Which brokers have replicas of a topic's first partition, and which of those are in sync; nil if
  /// the brokers do not tell within a second.
  package func replicas(of name: String) async -> String? {
    guard let partition = try? await ask(about: name, timeout: 1_000).topics.first?.first else {
      return nil
    }
    return "[replica ids: \(partition.replicas), in sync: \(partition.inSync)]"
  }

  private func ask(about name: String, timeout: Int32) async throws(KafkaError) -> ClusterMetadata {
    let topic = try KafkaTopic(name, of: consumers.first)
    return try await blocking.run { () -> Result<ClusterMetadata, KafkaError> in
      do throws(KafkaError) {
        return .success(try ClusterMetadata.ask(topic.instance, about: topic, timeout: timeout))
      } catch { return .failure(error) }
    }.get()
  }

  /// Creates a topic with one partition unless it exists.
  package func createTopic(_ name: String) async throws(KafkaError) {
    guard settings.createsTopics else { return }
    if isDown { throw .broker(action: "reach any broker", code: .unreachable) }
    // Without an answer, going on would only take longer to fail.
    if try await hasTopic(name) { return }
    let producer = producers.first
    let error: KafkaError? = await withCheckedContinuation { continuation in
      guard let id = requests.add(continuation) else { return }
      var text = [CChar](repeating: 0, count: 512)
      guard
        let topic = rd_kafka_NewTopic_new(
          name, 1, Int32(settings.replicationFactor), &text, text.count)
      else {
        requests.complete(
          id, KafkaError("create the topic \(name)", RD_KAFKA_RESP_ERR__INVALID_ARG))
        return
      }
      let options = rd_kafka_AdminOptions_new(producer.handle, RD_KAFKA_ADMIN_OP_CREATETOPICS)
      rd_kafka_AdminOptions_set_opaque(options, UnsafeMutableRawPointer(bitPattern: id))
      let timeout = Int32(min(settings.postTimeout.milliseconds, 300_000))
      rd_kafka_AdminOptions_set_request_timeout(options, timeout, &text, text.count)
      var topics: [OpaquePointer?] = [topic]
      rd_kafka_CreateTopics(producer.handle, &topics, 1, options, producer.replyQueue)
      rd_kafka_AdminOptions_destroy(options)
      rd_kafka_NewTopic_destroy(topic)
    }
    if let error { throw error }
  }

  /// A topic to post to.
  package func topic(_ name: String) throws(KafkaError) -> PostingTopic {
    try PostingTopic(name, producers)
  }

  /// A topic's first partition, to read from.
  ///
  /// - Parameter wakeUp: Is set when there is something to read.
  package func reader(_ name: String, wakeUp: WakeUp) throws(KafkaError) -> PartitionReader {
    let (lane, instance) = consumers.take()
    let consumers = consumers
    let topic: KafkaTopic
    do {
      topic = try KafkaTopic(name, of: instance)
    } catch {
      consumers.release(lane)
      throw error
    }
    return try PartitionReader(topic, wakeUp: wakeUp, blocking: blocking) {
      consumers.release(lane)
    }
  }
}
