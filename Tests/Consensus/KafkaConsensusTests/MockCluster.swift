// Three brokers in this process, reached over TCP, that fail on request; and a channel without a node
// around it.

import BlockLedger
import CRdKafka
import ChannelConfig
import FabricProtos
import Foundation
import Logging
import Ordering
import Synchronization

@testable import KafkaConsensus

/// librdkafka's mock cluster.
final class MockCluster: Sendable {
  nonisolated(unsafe) private let client: OpaquePointer
  nonisolated(unsafe) let handle: OpaquePointer

  init?() {
    var text = [CChar](repeating: 0, count: 512)
    guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &text, text.count),
      let handle = rd_kafka_mock_cluster_new(client, 3)
    else { return nil }
    self.client = client
    self.handle = handle
  }

  deinit {
    rd_kafka_mock_cluster_destroy(handle)
    rd_kafka_destroy(client)
  }

  var brokers: [String] {
    String(cString: rd_kafka_mock_cluster_bootstraps(handle)).split(separator: ",").map(String.init)
  }

  func createTopic(_ name: String) { rd_kafka_mock_topic_create(handle, name, 1, 3) }

  func moveLeader(of topic: String, to broker: Int32) {
    rd_kafka_mock_partition_set_leader(handle, topic, 0, broker)
  }

  func setDown(_ isDown: Bool) {
    for broker in Int32(1)...3 {
      if isDown {
        rd_kafka_mock_broker_set_down(handle, broker)
      } else {
        rd_kafka_mock_broker_set_up(handle, broker)
      }
    }
  }

  /// Lets no further requests to produce fail.
  func clearErrors() { rd_kafka_mock_clear_request_errors(handle, 0) }

  /// Lets the next requests to produce fail.
  func failProducing(_ errors: [rd_kafka_resp_err_t]) {
    errors.withUnsafeBufferPointer { errors in
      // 0 is the number of the Produce request in Kafka's protocol.
      rd_kafka_mock_push_request_errors_array(handle, 0, errors.count, errors.baseAddress)
    }
  }
}

/// One channel of one node, with its blocks in memory.
final class TestChannel: ConsenterSupport {
  struct Refused: Error {}

  private struct State {
    var blocks: [Block]
    var offsets: [KafkaOffsets] = []
    var error: String?
    var failure: String?
  }

  let channelID: String
  let bundle: ConfigBundle
  private let state: Mutex<State>

  /// A channel whose configuration is that of the fixture's system channel, with other brokers.
  init(_ channelID: String, brokers: [String]) throws {
    let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/blocks/system-kafka-v20.block")
    var block = try Block(serialized: [UInt8](Data(contentsOf: fixture)))
    let envelope = try Common_Envelope(serializedBytes: block.data[0])
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    var config = try Common_ConfigEnvelope(serializedBytes: payload.data)
    var value = Orderer_KafkaBrokers()
    value.brokers = brokers
    config.config.channelGroup.groups["Orderer"]?.values["KafkaBrokers"]?.value =
      try value.serializedData()
    self.channelID = channelID
    bundle = try ConfigBundle(channelID: channelID, config: config.config)
    block.metadata = []
    state = Mutex(State(blocks: [block]))
  }

  var height: UInt64 { UInt64(state.withLock { $0.blocks.count }) }
  var error: String? { state.withLock { $0.failure ?? $0.error } }
  var failure: String? { state.withLock { $0.failure } }
  /// The entries of all blocks but the first.
  var entries: [[[UInt8]]] { state.withLock { $0.blocks.dropFirst().map(\.data) } }
  var newestOffsets: KafkaOffsets { state.withLock { $0.offsets.last ?? .beginning } }

  func block(_ number: UInt64) throws -> Block {
    try state.withLock { state in
      guard number < state.blocks.count else { throw Refused() }
      return state.blocks[Int(number)]
    }
  }

  func revalidate(normal message: OrderedMessage) throws {}
  func revalidate(config message: OrderedMessage) throws -> OrderedMessage { throw Refused() }

  var metrics: ChannelMetrics { .disabled }

  /// The newest block, as if the consenter had left this metadata in it.
  func newestBlock(holding metadata: [UInt8] = []) throws -> Block {
    var block = try block(height - 1)
    var slot = Common_Metadata()
    slot.value = Data(metadata)
    block.metadata = [[], [], [], try slot.serializedBytes(), []]
    return block
  }

  func write(_ blocks: [PendingBlock]) async throws {
    for block in blocks {
      let offsets = try KafkaOffsets(metadata: block.consenterMetadata ?? [])
      state.withLock { state in
        let header = BlockHeader(
          number: UInt64(state.blocks.count), previousHash: [], dataHash: [])
        state.blocks.append(
          Block(header: header, data: block.batch.map(\.envelope.bytes), metadata: []))
        state.offsets.append(offsets)
      }
    }
  }

  func writeConfig(_ message: OrderedMessage, consenterMetadata: [UInt8]?) async throws {
    try await write([PendingBlock(batch: [message], consenterMetadata: consenterMetadata)])
  }

  func fail(reason: String) { state.withLock { $0.failure = reason } }
  func suspend(reason: String) { state.withLock { $0.error = reason } }
  func recover() { state.withLock { $0.error = nil } }
}

extension Chain {
  /// Hands in messages of which all have to be taken.
  func submit(_ messages: [OrderedMessage]) async throws {
    switch await order(messages) {
    case .all(.taken): break
    case .all(.refused(let error)): throw error
    default: throw TestChannel.Refused()
    }
  }
}

/// Settings under which outages show soon.
func quickSettings() -> KafkaSettings {
  var settings = KafkaSettings()
  settings.retry.shortInterval = .milliseconds(100)
  settings.readTimeout = .seconds(1)
  settings.writeTimeout = .seconds(1)
  settings.dialTimeout = .seconds(1)
  settings.metadataRetryBackoff = .milliseconds(50)
  settings.version = "1.0.0"
  return settings
}

/// Waits until a condition holds.
func eventually(
  within limit: Duration = .seconds(60), _ condition: () async -> Bool
) async -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(10))
  }
  return false
}
