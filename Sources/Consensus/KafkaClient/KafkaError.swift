// What can go wrong between this process and the brokers.

import CRdKafka

/// Why something that needed the brokers failed.
package enum KafkaError: Error, CustomStringConvertible, Sendable {
  /// librdkafka does not accept a setting.
  case configuration(setting: String, reason: String)
  /// The client could not be made.
  case client(String)
  /// The brokers answered with an error, or did not answer.
  case broker(action: String, code: KafkaCode)
  /// The client was closed.
  case closed

  package var description: String {
    switch self {
    case .configuration(let setting, let reason): "the Kafka client refuses \(setting): \(reason)"
    case .client(let reason): "the Kafka client cannot be made: \(reason)"
    case .broker(let action, let code): "cannot \(action): \(code)"
    case .closed: "the Kafka client is closed"
    }
  }

  /// A failed action.
  init(_ action: String, _ code: rd_kafka_resp_err_t) {
    self = .broker(action: action, code: KafkaCode(code))
  }

  /// Whether trying again cannot help.
  package var isFinal: Bool {
    guard case .broker(_, let code) = self else { return true }
    return code.meaning == .topicRefused
  }
}
