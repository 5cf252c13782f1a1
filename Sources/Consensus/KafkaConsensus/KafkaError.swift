// What can go wrong between a channel and its topic.

import CRdKafka

/// Why something that needed the brokers, or what they had kept, failed.
package enum KafkaError: Error, CustomStringConvertible, Sendable {
  /// librdkafka does not accept a setting.
  case configuration(setting: String, reason: String)
  /// The client could not be made.
  case client(String)
  /// The brokers answered with an error, or did not answer. The code is librdkafka's.
  case broker(action: String, code: Int32)
  /// The newest block of the channel has no usable consenter metadata.
  case corruptMetadata(String)
  /// The client was closed.
  case closed

  package var description: String {
    switch self {
    case .configuration(let setting, let reason): "the Kafka client refuses \(setting): \(reason)"
    case .client(let reason): "the Kafka client cannot be made: \(reason)"
    case .broker(let action, let code): "cannot \(action): \(Self.name(code))"
    case .corruptMetadata(let reason):
      "the consenter metadata of the newest block cannot be used (\(reason)); the ledger may be damaged"
    case .closed: "the Kafka client is closed"
    }
  }

  /// librdkafka's text for an error code.
  static func name(_ code: Int32) -> String {
    String(cString: rd_kafka_err2str(rd_kafka_resp_err_t(code)))
  }

  /// Whether an error says that the brokers never take records of this size.
  static func isTooLarge(_ code: Int32) -> Bool {
    code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue
      || code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE.rawValue
  }

  /// A failed action.
  init(_ action: String, _ code: rd_kafka_resp_err_t) {
    self = .broker(action: action, code: code.rawValue)
  }

  /// Whether trying again cannot help.
  var isFinal: Bool {
    guard case .broker(_, let code) = self else { return true }
    switch rd_kafka_resp_err_t(code) {
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR__INVALID_ARG: return true
    default: return false
    }
  }
}
