// Three brokers in this process, reached over TCP, that fail on request.

import CRdKafka

/// librdkafka's mock cluster.
package final class MockCluster: Sendable {
  /// How the brokers can answer a request to produce, other than well.
  package enum Failure: Sendable {
    case messageTooLarge
    case notEnoughReplicas

    fileprivate var code: rd_kafka_resp_err_t {
      switch self {
      case .messageTooLarge: RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
      case .notEnoughReplicas: RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
      }
    }
  }

  /// The brokers' numbers.
  package static let brokers = Int32(1)...3

  private nonisolated(unsafe) let client: OpaquePointer
  private nonisolated(unsafe) let handle: OpaquePointer

  package init?() {
    var text = [CChar](repeating: 0, count: 512)
    guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &text, text.count),
      let handle = rd_kafka_mock_cluster_new(client, Int32(Self.brokers.count))
    else { return nil }
    self.client = client
    self.handle = handle
  }

  deinit {
    rd_kafka_mock_cluster_destroy(handle)
    rd_kafka_destroy(client)
  }

  /// The brokers' addresses, as `host:port`.
  package var addresses: [String] {
    String(cString: rd_kafka_mock_cluster_bootstraps(handle)).split(separator: ",").map(String.init)
  }

  /// Creates a topic with one partition and three replicas. It keeps 5 MiB.
  package func createTopic(_ name: String) { rd_kafka_mock_topic_create(handle, name, 1, 3) }

  package func moveLeader(of topic: String, to broker: Int32) {
    rd_kafka_mock_partition_set_leader(handle, topic, 0, broker)
  }

  /// Stops a broker, or starts it again.
  package func setDown(_ isDown: Bool, _ broker: Int32) {
    if isDown {
      rd_kafka_mock_broker_set_down(handle, broker)
    } else {
      rd_kafka_mock_broker_set_up(handle, broker)
    }
  }

  /// Stops all brokers, or starts them again.
  package func setDown(_ isDown: Bool) {
    for broker in Self.brokers { setDown(isDown, broker) }
  }

  /// Lets all brokers take this many milliseconds for each answer.
  package func setAnswerTime(_ milliseconds: Int32) {
    for broker in Self.brokers { rd_kafka_mock_broker_set_rtt(handle, broker, milliseconds) }
  }

  /// Lets this many further requests to produce fail.
  package func failProducing(_ failure: Failure, count: Int = 1) {
    let errors = [rd_kafka_resp_err_t](repeating: failure.code, count: count)
    errors.withUnsafeBufferPointer { errors in
      // 0 is the number of the Produce request in Kafka's protocol.
      rd_kafka_mock_push_request_errors_array(handle, 0, errors.count, errors.baseAddress)
    }
  }

  /// Lets no further requests to produce fail.
  package func clearFailures() { rd_kafka_mock_clear_request_errors(handle, 0) }
}
