// Makes the chains of channels whose consensus type is "kafka".

import Logging
import Metrics
import Ordering
import Synchronization

/// The Kafka consenter of a node. Channels with the same brokers share their connections.
package final class KafkaConsenter: Consenter {
  /// The consensus type in a channel's configuration.
  package static let type = "kafka"

  private let settings: KafkaSettings
  private let logger: Logger
  private let metrics: KafkaMetrics
  private let clients = Mutex<[[String]: KafkaClient]>([:])

  /// - Parameter metrics: Where the metrics below `consensus_kafka` go; by default they are not recorded.
  package init(
    settings: KafkaSettings, logger: Logger,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) {
    self.settings = settings
    self.logger = logger
    self.metrics = KafkaMetrics(factory: metrics)
  }

  /// - Throws: ``KafkaError/corruptMetadata(_:)``; what reading the newest block throws.
  package func makeChain(support: any ConsenterSupport, metadata: [UInt8]) throws -> any Chain {
    try KafkaChain(
      support: support, offsets: KafkaOffsets(metadata: metadata), settings: settings,
      metrics: metrics, client: { [self] brokers throws(KafkaError) in try client(for: brokers) },
      logger: logger)
  }

  private func client(for brokers: [String]) throws(KafkaError) -> KafkaClient {
    let key = brokers.sorted()
    let result: Result<KafkaClient, KafkaError> = clients.withLock { clients in
      if let client = clients[key] { return .success(client) }
      do throws(KafkaError) {
        let client = try KafkaClient(
          brokers: brokers, settings: settings, metrics: metrics, logger: logger)
        clients[key] = client
        return .success(client)
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}
