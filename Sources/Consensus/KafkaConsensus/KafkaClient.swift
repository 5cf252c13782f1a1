// What all channels with the same brokers share: producers, consumers, and the knowledge whether the
// brokers can be reached.

import CRdKafka
import Dispatch
import Foundation
import Logging
import Synchronization

/// The connections of this process to one set of brokers.
final class KafkaClient: Sendable {
  /// Is told when all brokers have gone, with the reason, and when one is back (nil).
  typealias Observer = @Sendable (String?) -> Void

  private let reachability: Reachability
  private let producers: PostingLanes
  private let consumers: ReadingLanes
  private let requests: TopicRequests
  private let leaders: LeaderWatch
  private let settings: KafkaSettings
  /// Whether ``lookForBrokers()`` is at it.
  private let isLooking = Atomic(false)
  /// For the few calls of librdkafka that wait for the network.
  private let blocking = DispatchQueue(label: "kafka-blocking", attributes: .concurrent)

  /// - Throws: ``KafkaError`` if librdkafka refuses a setting.
  init(
    brokers: [String], settings: KafkaSettings, metrics: KafkaMetrics, logger: Logger
  ) throws(KafkaError) {
    self.settings = settings
    var trust: BrokerTrust?
    if let tls = settings.tls { trust = try BrokerTrust(tls) }
    trust?.warn(logger)
    let reachability = Reachability(
      brokers: brokers.joined(separator: ", "), trust: trust, logger: logger)
    let requests = TopicRequests()
    // The consumers, as soon as there are some; they outlive the client no more than its callbacks do.
    let lanes = WeakReadingLanes()
    let leaders = LeaderWatch(reachability: reachability, blocking: blocking) { lanes.all }
    var common = settings.properties(brokers: brokers, trust: trust)
    if metrics.isRecording {
      common.append(("statistics.interval.ms", "\(KafkaMetrics.interval.milliseconds)"))
    }
    let make = {
      @Sendable [common, trust]
      (
        type: rd_kafka_type_t, own: [(name: String, value: String)]
      ) throws(KafkaError) in
      let events = KafkaEvents(
        reachability: reachability, requests: requests, metrics: metrics,
        source: metrics.makeSource(), leaders: type == RD_KAFKA_CONSUMER ? leaders : nil,
        logger: logger)
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
    reachability.onSuspicion { [weak self] in
      guard let self, !isLooking.exchange(true, ordering: .acquiringAndReleasing) else { return }
      lookForBrokers()
    }
  }

  /// Ends the threads; whoever waits is told so.
  func close() {
    reachability.close()
    requests.close()
    producers.close()
    consumers.close()
  }

  deinit { close() }

  // MARK: Brokers

  /// Whether no broker can be reached.
  var isDown: Bool { reachability.isDown }

  /// Begins to tell an observer when the brokers go and come back; it is told at once if they are gone.
  func observe(_ observer: @escaping Observer) -> UInt { reachability.observe(observer) }

  /// Stops telling an observer.
  func stopObserving(_ id: UInt) { reachability.stopObserving(id) }

  /// Begins to tell when the leader of a topic, one that is read, may be out of reach.
  func observeLeader(of topic: String, _ observer: @escaping LeaderWatch.Observer) {
    leaders.observe(topic, observer)
  }

  /// Stops telling.
  func stopObservingLeader(of topic: String) { leaders.stopObserving(topic) }

  /// Why no broker can be reached; nil if one can.
  var problem: String? { reachability.problem }

  /// Asks for metadata until all connections answer.
  private func lookForBrokers() {
    let instances = producers.all + consumers.all
    let pause = max(settings.metadataRetryBackoff, .milliseconds(50))
    // That brokers are gone should show soon; of those that come back, some take their time to answer.
    let patience = Int32(
      isDown ? min(max(settings.readTimeout.milliseconds, 1_000), 5_000) : 1_000)
    blocking.async { [weak self] in
      guard let self, !reachability.isClosed else { return }
      let answers = Atomic(0)
      DispatchQueue.concurrentPerform(iterations: instances.count) { index in
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(instances[index].handle, 0, nil, &metadata, patience)
        if let metadata { rd_kafka_metadata_destroy(metadata) }
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { answers.add(1, ordering: .relaxed) }
      }
      switch answers.load(ordering: .relaxed) {
      case instances.count:
        isLooking.store(false, ordering: .releasing)
        reachability.up()
        return
      case 0:
        reachability.down()
        // Clients need not wait for brokers that are not there.
        for producer in producers.all { _ = heddle_kafka_purge_queued(producer.handle) }
      default:
        // There are brokers, but not all connections have one, or yet: that is not for all channels to
        // suffer. Records of those concerned have a time-out of their own.
        break
      }
      blocking.asyncAfter(deadline: .now() + .milliseconds(Int(pause.milliseconds))) {
        [weak self] in self?.lookForBrokers()
      }
    }
  }

  // MARK: Topics

  /// Whether the brokers know a topic. The question does not create it (from Kafka 0.11 on).
  private func hasTopic(_ name: String) async throws(KafkaError) -> Bool {
    let topic = try KafkaTopic(name, of: consumers.first)
    let timeout = Int32(min(max(settings.readTimeout.milliseconds, 500), 5_000))
    let answer: Result<Bool, KafkaError> = await withCheckedContinuation { continuation in
      blocking.async {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        defer { if let metadata { rd_kafka_metadata_destroy(metadata) } }
        let code = rd_kafka_metadata(topic.instance.handle, 0, topic.handle, &metadata, timeout)
        // Without an answer there is no sense in going on: that would take longer to fail.
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
          return continuation.resume(
            returning: .failure(KafkaError("ask for the topic \(name)", code)))
        }
        guard let answer = metadata?.pointee, answer.topic_cnt == 1 else {
          return continuation.resume(returning: .success(false))
        }
        let found = answer.topics[0]
        continuation.resume(
          returning: .success(
            found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.partition_cnt > 0))
      }
    }
    return try answer.get()
  }

  /// Which brokers have replicas of a topic's first partition, and which of those are in sync; nil if
  /// the brokers do not tell.
  func replicas(of name: String) async -> String? {
    guard let topic = try? KafkaTopic(name, of: consumers.first) else { return nil }
    return await withCheckedContinuation { continuation in
      blocking.async {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        defer { if let metadata { rd_kafka_metadata_destroy(metadata) } }
        let code = rd_kafka_metadata(topic.instance.handle, 0, topic.handle, &metadata, 1000)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = metadata?.pointee,
          answer.topic_cnt == 1, answer.topics[0].partition_cnt > 0
        else { return continuation.resume(returning: nil) }
        let partition = answer.topics[0].partitions[0]
        func list(_ brokers: UnsafeMutablePointer<Int32>?, _ count: Int32) -> [Int32] {
          Array(UnsafeBufferPointer(start: brokers, count: brokers == nil ? 0 : Int(count)))
        }
        let all = list(partition.replicas, partition.replica_cnt)
        let inSync = list(partition.isrs, partition.isr_cnt)
        continuation.resume(returning: "[replica ids: \(all), in sync: \(inSync)]")
      }
    }
  }

  /// Creates a topic with one partition unless it exists.
  func createTopic(_ name: String) async throws(KafkaError) {
    guard settings.createsTopics else { return }
    if isDown {
      throw .broker(action: "reach any broker", code: RD_KAFKA_RESP_ERR__TRANSPORT.rawValue)
    }
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
  func topic(_ name: String) throws(KafkaError) -> PostingTopic {
    try PostingTopic(name, producers)
  }

  /// A topic's first partition, to read from.
  func reader(_ name: String, wakeup: Wakeup) throws(KafkaError) -> PartitionReader {
    let (lane, instance) = consumers.take()
    let consumers = consumers
    let topic: KafkaTopic
    do {
      topic = try KafkaTopic(name, of: instance)
    } catch {
      consumers.release(lane)
      throw error
    }
    return try PartitionReader(topic, wakeup: wakeup, blocking: blocking) {
      consumers.release(lane)
    }
  }
}
