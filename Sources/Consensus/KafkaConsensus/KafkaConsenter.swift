// Makes the chains of channels whose consensus type is "kafka".

import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import KafkaClient
import Logging
import Metrics
import Ordering
import Synchronization

/// The Kafka consenter of a node. Channels with the same brokers share their connections.
package final class KafkaConsenter: Consenter {
  /// The consensus type in a channel's configuration.
  package static let type = "kafka"

  private let settings: KafkaSettings
  private let time: any TimeSource
  private let now: @Sendable () -> Date
  private let logger: Logger
  private let metrics: any MetricsFactory
  private let clientMetrics: KafkaClientMetrics
  private let clients = Mutex<[[String]: KafkaClient]>([:])

  /// - Parameters:
  ///   - time: The clock of the chains and of their clients. librdkafka has one of its own.
  ///   - now: The date by which brokers' certificates are valid or not.
  ///   - metrics: Where the metrics below `consensus_kafka` go; by default they are not recorded.
  package init(
    settings: KafkaSettings, time: any TimeSource, now: @escaping @Sendable () -> Date,
    logger: Logger,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) {
    self.settings = settings
    self.time = time
    self.now = now
    self.logger = logger
    self.metrics = metrics
    clientMetrics = KafkaClientMetrics(factory: metrics)
  }

  /// Every node that has the channel orders it.
  package func role(in bundle: ConfigBundle) -> ConsensusRole {
    bundle.orderer?.consensusType == Self.type ? .consenter : .neither
  }

  /// Accepts every change: Kafka has no metadata. The rules of the migration check the metadata of
  /// the type that a channel migrates to.
  package func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {}

  /// - Throws: ``CorruptMetadata``; `EnvelopeError` if the block holds anything else than envelopes.
  package func makeChain(
    support: any ConsenterSupport, newestBlock: Block
  ) throws -> any Chain {
    try KafkaChain(
      support: support, newestBlock: newestBlock, settings: settings, metrics: metrics, time: time,
      brokers: { [self] addresses throws(KafkaError) in try client(for: addresses) },
      logger: logger)
  }

  private func client(for brokers: [String]) throws(KafkaError) -> KafkaClient {
    let key = brokers.sorted()
    let result: Result<KafkaClient, KafkaError> = clients.withLock { clients in
      if let client = clients[key] { return .success(client) }
      do throws(KafkaError) {
        let client = try KafkaClient(
          brokers: brokers, settings: settings.client, metrics: clientMetrics, time: time,
          now: now, logger: logger)
        clients[key] = client
        return .success(client)
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}
