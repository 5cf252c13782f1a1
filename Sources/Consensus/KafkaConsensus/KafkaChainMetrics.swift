// What the chain itself records, for the node's catalogue.

import MetricDescriptions

package enum KafkaChainMetrics {
  static let lastOffsetPersisted = MetricDescription.gauge(
    "consensus.kafka.last_offset_persisted", labels: ["channel"],
    "The offset in the metadata of the newest block.")

  package static let descriptions = [lastOffsetPersisted]
}
