// Where librdkafka's events go.

import CRdKafka
import Concurrency
import Foundation
import Logging

/// Sorts the events of one producer or consumer. Runs on its event thread.
struct KafkaEvents: Sendable {
  let reachability: Reachability
  let requests: TopicRequests
  let metrics: KafkaClientMetrics
  let source: KafkaClientMetrics.Source
  /// Is told of connections that were lost; nil for a producer.
  let leaders: LeaderWatch?
  let time: any TimeSource
  let logger: Logger

  func handle(_ event: OpaquePointer) {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_DR: reports(event)
    case RD_KAFKA_EVENT_LOG: log(event)
    case RD_KAFKA_EVENT_STATS: statistics(event)
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
      let id = UInt(bitPattern: rd_kafka_event_opaque(event))
      requests.complete(id, Self.creationError(event))
    case RD_KAFKA_EVENT_ERROR:
      let code = rd_kafka_event_error(event)
      let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
      switch code {
      case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN: reachability.suspect()
      // These come as log lines too, as everything about connections does.
      case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR__AUTHENTICATION,
        RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__TIMED_OUT:
        logger.debug("Kafka: \(text)")
      default: logger.warning("Kafka: \(text) (\(KafkaCode(code)))")
      }
    default: break
    }
  }

  /// Hands one message's report to the delivery that waits for it.
  static func report(_ message: rd_kafka_message_t) {
    guard let opaque = message._private else { return }
    Unmanaged<Delivery>.fromOpaque(opaque).takeRetainedValue()
      .report(
        message.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaCode(message.err),
        offset: message.offset)
  }

  private func reports(_ event: OpaquePointer) {
    withUnsafeTemporaryAllocation(of: UnsafePointer<rd_kafka_message_t>?.self, capacity: 256) {
      buffer in
      buffer.initialize(repeating: nil)
      while true {
        let count = rd_kafka_event_message_array(event, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        let messages = buffer.prefix(count).compactMap { $0?.pointee }
        // Before those who wait go on and look whether brokers are there.
        if reachability.isDown, messages.contains(where: { $0.err == RD_KAFKA_RESP_ERR_NO_ERROR }) {
          reachability.up()
        }
        for message in messages { Self.report(message) }
      }
    }
  }

  private static func creationError(_ event: OpaquePointer) -> KafkaError? {
    let action = "create the topic"
    let code = rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return KafkaError(action, code) }
    var count = 0
    guard let result = rd_kafka_event_CreateTopics_result(event),
      let topics = rd_kafka_CreateTopics_result_topics(result, &count)
    else { return nil }
    for index in 0..<count {
      guard let topic = topics[index] else { continue }
      let code = rd_kafka_topic_result_error(topic)
      if code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS {
        return KafkaError(
          "create the topic \(String(cString: rd_kafka_topic_result_name(topic)))", code)
      }
    }
    return nil
  }

  private func log(_ event: OpaquePointer) {
    var facility: UnsafePointer<CChar>?
    var text: UnsafePointer<CChar>?
    var level: Int32 = 7
    guard rd_kafka_event_log(event, &facility, &text, &level) == 0, let text else { return }
    let name = facility.map { String(cString: $0) } ?? ""
    let line = String(cString: text)
    // What matters comes as an error event too, or in the outcome of what was asked for.
    logger.log(level: level <= 2 ? .warning : .debug, "librdkafka \(name): \(line)")
    // Up to syslog's "informational": levels beyond that are for debugging.
    guard name == "FAIL", level <= 6 else { return }
    let failure = reachability.failed(line)
    leaders?.lost(failure)
  }

  private func statistics(_ event: OpaquePointer) {
    guard let text = rd_kafka_event_stats(event) else { return }
    let json = UnsafeRawBufferPointer(
      start: text, count: strnlen(text, KafkaStatistics.maximumBytes + 1))
    guard let statistics = KafkaStatistics(json: json) else {
      logger.debug("A report of librdkafka for the metrics cannot be read; it is passed over")
      return
    }
    metrics.take(statistics, from: source, at: time.now)
  }
}
