// Where librdkafka's events go.

import CRdKafka
import Logging

/// Sorts the events of producer and consumer. Runs on their event threads.
enum KafkaEvents {
  static func handle(
    _ event: OpaquePointer, _ reachability: Reachability, _ requests: TopicRequests,
    _ logger: Logger
  ) {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_DR: reports(event, reachability)
    case RD_KAFKA_EVENT_LOG: log(event, logger)
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
      let id = UInt(bitPattern: rd_kafka_event_opaque(event))
      requests.complete(id, creationError(event))
    case RD_KAFKA_EVENT_ERROR:
      let code = rd_kafka_event_error(event)
      let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
      if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
        reachability.down()
      } else {
        // A broker that is gone is worth a line, but not one for each attempt to reach it.
        logger.log(
          level: reachability.mayWarn() ? .warning : .debug,
          "Kafka: \(text) (\(KafkaError.name(code.rawValue)))")
      }
    default: break
    }
  }

  /// Hands one message's report to the delivery that waits for it.
  static func report(_ message: rd_kafka_message_t) {
    guard let opaque = message._private else { return }
    Unmanaged<Delivery>.fromOpaque(opaque).takeRetainedValue()
      .report(message.err, offset: message.offset)
  }

  private static func reports(_ event: OpaquePointer, _ reachability: Reachability) {
    withUnsafeTemporaryAllocation(of: UnsafePointer<rd_kafka_message_t>?.self, capacity: 256) {
      buffer in
      buffer.initialize(repeating: nil)
      while true {
        let count = rd_kafka_event_message_array(event, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        let messages = buffer.prefix(count).compactMap { $0?.pointee }
        // Before those who wait go on, and find out otherwise.
        if reachability.isDown, messages.contains(where: { $0.err == RD_KAFKA_RESP_ERR_NO_ERROR }) {
          reachability.up()
        }
        for message in messages { report(message) }
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

  private static func log(_ event: OpaquePointer, _ logger: Logger) {
    var facility: UnsafePointer<CChar>?
    var text: UnsafePointer<CChar>?
    var level: Int32 = 7
    guard rd_kafka_event_log(event, &facility, &text, &level) == 0, let text else { return }
    let line = "\(facility.map { String(cString: $0) } ?? ""): \(String(cString: text))"
    // What matters comes as an error event too, or through the channels' own messages.
    logger.log(level: level <= 2 ? .warning : .debug, "librdkafka \(line)")
  }
}
