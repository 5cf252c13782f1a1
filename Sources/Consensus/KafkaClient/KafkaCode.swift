// What the brokers' error codes mean to those who post and read.

import CRdKafka

/// Why the brokers, or librdkafka on their behalf, did not do what they were asked: one of librdkafka's
/// error codes.
package struct KafkaCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  package let rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  init(_ code: rd_kafka_resp_err_t) { self.init(rawValue: code.rawValue) }

  /// What follows from a code.
  package enum Meaning: Sendable {
    /// The brokers never take records of this size.
    case tooLarge
    /// This process has too many records on their way already.
    case queueFull
    /// Too few replicas of the topic are in sync.
    case tooFewReplicas
    /// Nobody waited for the answer any longer (``Delivery/abandon()``), or the client was closed.
    case abandoned
    /// The record never left this process, because no broker could be reached.
    case purged
    /// This node may not create topics, or the brokers do not let anybody ask for that.
    case cannotCreateTopics
    /// The topic's name is not one that the brokers accept. Asking again cannot help.
    case topicRefused
    /// It may pass.
    case other
  }

  package var meaning: Meaning {
    switch rd_kafka_resp_err_t(rawValue) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: .tooLarge
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: .queueFull
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      .tooFewReplicas
    case RD_KAFKA_RESP_ERR__DESTROY: .abandoned
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE: .purged
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
      RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      .cannotCreateTopics
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR__INVALID_ARG: .topicRefused
    default: .other
    }
  }

  /// ``Meaning/abandoned``.
  package static let abandoned = KafkaCode(RD_KAFKA_RESP_ERR__DESTROY)
  /// No broker could be reached.
  package static let unreachable = KafkaCode(RD_KAFKA_RESP_ERR__TRANSPORT)
  /// ``Meaning/tooLarge``.
  package static let tooLarge = KafkaCode(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
  /// ``Meaning/tooFewReplicas``.
  package static let tooFewReplicas = KafkaCode(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS)
  /// ``Meaning/cannotCreateTopics``.
  package static let cannotCreateTopics = KafkaCode(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
  /// ``Meaning/topicRefused``.
  package static let topicRefused = KafkaCode(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)

  /// librdkafka's text.
  package var description: String {
    String(cString: rd_kafka_err2str(rd_kafka_resp_err_t(rawValue)))
  }
}
