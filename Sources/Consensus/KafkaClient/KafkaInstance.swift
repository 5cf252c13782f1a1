// One librdkafka instance, and the thread that takes its events.

import CRdKafka
import Foundation
import Synchronization

/// A producer or a consumer, shared by many topics.
///
/// librdkafka's own threads do the network I/O; only the event thread blocks here.
final class KafkaInstance: Sendable {
  /// What is done with an event; it is destroyed afterwards.
  typealias Handler = @Sendable (OpaquePointer) -> Void

  /// The `rd_kafka_t`. librdkafka allows its use from any thread; it is destroyed only after the
  /// event thread has ended and its users, which all hold this object, are gone.
  nonisolated(unsafe) let handle: OpaquePointer
  private nonisolated(unsafe) let events: OpaquePointer
  private let stopped = Atomic(false)
  /// librdkafka asks this until the handle is destroyed.
  private let trust: BrokerTrust?

  /// - Parameter trust: Judges the brokers' certificates; nil without TLS.
  /// - Throws: ``KafkaError`` if a property or their combination is refused.
  init(
    _ type: rd_kafka_type_t, properties: [(name: String, value: String)],
    trust: BrokerTrust? = nil, handler: @escaping Handler
  ) throws(KafkaError) {
    self.trust = trust
    var text = [CChar](repeating: 0, count: 512)
    guard let configuration = rd_kafka_conf_new() else { throw .client("out of memory") }
    for (name, value) in properties
    where rd_kafka_conf_set(configuration, name, value, &text, text.count) != RD_KAFKA_CONF_OK {
      rd_kafka_conf_destroy(configuration)
      throw .configuration(setting: name, reason: Self.string(text))
    }
    do throws(KafkaError) {
      try trust?.attach(to: configuration)
    } catch {
      rd_kafka_conf_destroy(configuration)
      throw error
    }
    var kinds = RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_STATS
    if type == RD_KAFKA_PRODUCER { kinds |= RD_KAFKA_EVENT_DR }
    rd_kafka_conf_set_events(configuration, kinds)
    guard let handle = rd_kafka_new(type, configuration, &text, text.count) else {
      rd_kafka_conf_destroy(configuration)
      throw .client(Self.named(Self.string(text)))
    }
    guard let events = rd_kafka_queue_get_main(handle) else {
      rd_kafka_destroy(handle)
      throw .client("no event queue")
    }
    rd_kafka_set_log_queue(handle, events)
    self.handle = handle
    self.events = events
    let thread = Thread { [self] in pump(handler) }
    thread.name = type == RD_KAFKA_PRODUCER ? "kafka-producer" : "kafka-consumer"
    thread.start()
  }

  /// Ends the event thread, which then frees what librdkafka holds.
  func close() {
    stopped.store(true, ordering: .releasing)
    rd_kafka_queue_yield(events)
  }

  /// The queue to which answers to administrative requests go.
  var replyQueue: OpaquePointer { events }

  /// How often a client that ends looks for the last reports of purged records, and for how many
  /// milliseconds each time: five seconds in all.
  private static let lastPolls = 100
  private static let lastPollTime: Int32 = 50

  private func pump(_ handler: Handler) {
    while !stopped.load(ordering: .acquiring) { poll(1000, handler) }
    // So that whoever waits for a report gets one.
    rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    for _ in 0..<Self.lastPolls where rd_kafka_outq_len(handle) > 0 {
      poll(Self.lastPollTime, handler)
    }
  }

  private func poll(_ milliseconds: Int32, _ handler: Handler) {
    guard let event = rd_kafka_queue_poll(events, milliseconds) else { return }
    handler(event)
    rd_kafka_event_destroy(event)
  }

  /// Names settings as orderer.yaml does.
  private static func named(_ text: String) -> String {
    [
      ("ssl.ca.pem", "Kafka.TLS.RootCAs"), ("ssl.certificate.pem", "Kafka.TLS.Certificate"),
      ("ssl.key.pem", "Kafka.TLS.PrivateKey"),
    ].reduce(text) { $0.replacing($1.0, with: $1.1) }
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    rd_kafka_queue_destroy(events)
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
  }
}

/// A topic as one instance knows it (`rd_kafka_topic_t`).
final class KafkaTopic: Sendable {
  let name: String
  let instance: KafkaInstance
  /// Safe to use from any thread, as all of librdkafka's objects.
  nonisolated(unsafe) let handle: OpaquePointer

  init(_ name: String, of instance: KafkaInstance) throws(KafkaError) {
    guard let handle = rd_kafka_topic_new(instance.handle, name, nil) else {
      throw KafkaError("use the topic \(name)", rd_kafka_last_error())
    }
    self.name = name
    self.instance = instance
    self.handle = handle
  }

  deinit { rd_kafka_topic_destroy(handle) }
}
