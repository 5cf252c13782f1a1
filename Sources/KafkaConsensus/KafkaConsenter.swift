// Makes the chains of channels whose consensus type is "kafka".

import Logging
import Ordering
import Synchronization

/// The Kafka consenter of a node. Channels with the same brokers share their connections.
public final class KafkaConsenter: Consenter {
  /// The consensus type in a channel's configuration.
  public static let type = "kafka"

  private let settings: KafkaSettings
  private let logger: Logger
  private let clients = Mutex<[[String]: KafkaClient]>([:])

  public init(settings: KafkaSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// - Throws: ``KafkaError/corruptMetadata(_:)``; what reading the newest block throws.
  public func makeChain(support: any ConsenterSupport, metadata: [UInt8]) throws -> any Chain {
    try KafkaChain(
      support: support, offsets: KafkaOffsets(metadata: metadata), settings: settings,
      client: { [self] brokers throws(KafkaError) in try client(for: brokers) }, logger: logger)
  }

  private func client(for brokers: [String]) throws(KafkaError) -> KafkaClient {
    let key = brokers.sorted()
    let result: Result<KafkaClient, KafkaError> = clients.withLock { clients in
      if let client = clients[key] { return .success(client) }
      do throws(KafkaError) {
        let client = try KafkaClient(brokers: brokers, settings: settings, logger: logger)
        clients[key] = client
        return .success(client)
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}
