// What all channels with the same brokers share: a producer, a consumer, and the knowledge whether
// the brokers can be reached.

import CRdKafka
import Dispatch
import Foundation
import Logging
import Synchronization

/// The connections of this process to one set of brokers.
final class KafkaClient: Sendable {
  /// Is told when all brokers have gone (false) and when one is back (true).
  typealias Observer = @Sendable (Bool) -> Void

  private let reachability: Reachability
  private let producer: KafkaInstance
  private let consumer: KafkaInstance
  private let requests: TopicRequests
  private let settings: KafkaSettings
  /// Whether ``lookForBrokers()`` is at it.
  private let isLooking = Atomic(false)
  /// For the few calls of librdkafka that wait for the network.
  private let blocking = DispatchQueue(label: "kafka-blocking", attributes: .concurrent)

  /// - Throws: ``KafkaError`` if librdkafka refuses a setting.
  init(brokers: [String], settings: KafkaSettings, logger: Logger) throws(KafkaError) {
    self.settings = settings
    let reachability = Reachability(brokers: brokers.joined(separator: ", "), logger: logger)
    let requests = TopicRequests()
    let common = settings.properties(brokers: brokers)
    producer = try KafkaInstance(
      RD_KAFKA_PRODUCER, properties: common + settings.producerProperties
    ) { KafkaEvents.handle($0, reachability, requests, logger) }
    do {
      consumer = try KafkaInstance(
        RD_KAFKA_CONSUMER, properties: common + settings.consumerProperties
      ) { KafkaEvents.handle($0, reachability, requests, logger) }
    } catch {
      producer.close()
      throw error
    }
    self.reachability = reachability
    self.requests = requests
    reachability.onDown { [weak self] in
      guard let self, !isLooking.exchange(true, ordering: .acquiringAndReleasing) else { return }
      lookForBrokers()
    }
  }

  /// Ends the threads; whoever waits is told so.
  func close() {
    reachability.close()
    requests.close()
    producer.close()
    consumer.close()
  }

  deinit { close() }

  // MARK: Brokers

  /// Whether no broker can be reached.
  var isDown: Bool { reachability.isDown }

  /// Begins to tell an observer when the brokers go and come back; it is told at once if they are gone.
  func observe(_ observer: @escaping Observer) -> UInt { reachability.observe(observer) }

  /// Stops telling an observer.
  func stopObserving(_ id: UInt) { reachability.stopObserving(id) }

  /// Asks for metadata until both connections answer.
  private func lookForBrokers() {
    // Clients need not wait for brokers that are not there.
    _ = heddle_kafka_purge_queued(producer.handle)
    let instances = [producer, consumer]
    let pause = max(settings.metadataRetryBackoff, .milliseconds(50))
    blocking.async { [weak self] in
      guard let self, !reachability.isClosed else { return }
      let answered = instances.allSatisfy { instance in
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(instance.handle, 0, nil, &metadata, 1000)
        if let metadata { rd_kafka_metadata_destroy(metadata) }
        return code == RD_KAFKA_RESP_ERR_NO_ERROR
      }
      if answered {
        isLooking.store(false, ordering: .releasing)
        reachability.up()
        return
      }
      reachability.remainsDown()
      blocking.asyncAfter(deadline: .now() + .milliseconds(Int(pause.milliseconds))) {
        [weak self] in self?.lookForBrokers()
      }
    }
  }

  // MARK: Topics

  /// Whether the brokers know a topic. The question does not create it (from Kafka 0.11 on).
  private func hasTopic(_ name: String) async throws(KafkaError) -> Bool {
    let topic = try KafkaTopic(name, of: consumer)
    let timeout = Int32(min(max(settings.readTimeout.milliseconds, 500), 5_000))
    return await withCheckedContinuation { continuation in
      blocking.async {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        defer { if let metadata { rd_kafka_metadata_destroy(metadata) } }
        let code = rd_kafka_metadata(topic.instance.handle, 0, topic.handle, &metadata, timeout)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = metadata?.pointee,
          answer.topic_cnt == 1
        else { return continuation.resume(returning: false) }
        let found = answer.topics[0]
        continuation.resume(
          returning: found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.partition_cnt > 0)
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
  func topic(_ name: String) throws(KafkaError) -> KafkaTopic {
    try KafkaTopic(name, of: producer)
  }

  /// A topic's first partition, to read from.
  func reader(_ name: String, wakeup: Wakeup) throws(KafkaError) -> PartitionReader {
    try PartitionReader(try KafkaTopic(name, of: consumer), wakeup: wakeup, blocking: blocking)
  }

  /// Posts records to the first partition of a topic, in order. Takes no time: the brokers' word comes
  /// with the delivery.
  func post(_ records: [KafkaRecord], to topic: KafkaTopic) -> Delivery {
    let delivery = Delivery(count: records.count)
    // The key that Go nodes use: the number of the partition.
    var key = UInt8(ascii: "0")
    withUnsafeMutableBytes(of: &key) { key in
      var messages = records.map { record in
        let bytes = record.serialized()
        var message = rd_kafka_message_t()
        // librdkafka frees what it has taken.
        message.payload = malloc(max(bytes.count, 1))
        message.len = bytes.count
        bytes.withUnsafeBytes { source in
          guard let from = source.baseAddress else { return }
          message.payload?.copyMemory(from: from, byteCount: source.count)
        }
        message.key = key.baseAddress
        message.key_len = key.count
        // Balanced by the report, of which each message that was taken gets exactly one.
        message._private = Unmanaged.passRetained(delivery).toOpaque()
        return message
      }
      let taken = rd_kafka_produce_batch(
        topic.handle, 0, RD_KAFKA_MSG_F_FREE, &messages, Int32(messages.count))
      guard taken < messages.count else { return }
      for message in messages where message.err != RD_KAFKA_RESP_ERR_NO_ERROR {
        free(message.payload)
        KafkaEvents.report(message)
      }
    }
    return delivery
  }
}
