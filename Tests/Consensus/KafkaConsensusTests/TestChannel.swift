// A channel without a node around it.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Ordering
import TestSupport

@testable import KafkaConsensus

/// One channel of one node, with its blocks in memory.
final class TestChannel: ConsenterSupport {
  struct Refused: Error {}

  /// What the chain has made of the channel.
  struct State: Sendable {
    fileprivate(set) var blocks: [Block]
    fileprivate var offsets: [KafkaOffsets] = []
    fileprivate var trouble: String?
    /// Why the chain cannot go on.
    fileprivate(set) var failure: String?
    /// Whether the ledger loses what is written to it.
    fileprivate var losesBlocks = false

    /// Why the chain is in error; nil while it works.
    var error: String? { failure ?? trouble }
    /// The entries of all blocks but the first.
    var entries: [[[UInt8]]] { blocks.dropFirst().map(\.data) }
    /// What the messages in the blocks were made with.
    var names: [String] {
      entries.joined().map { entry in
        (try? EnvelopeView(entry)).map { String(decoding: $0.data, as: UTF8.self) } ?? "?"
      }
    }
    var newestOffsets: KafkaOffsets { offsets.last ?? .beginning }
  }

  let channelID: String
  let bundle: ConfigBundle
  let metrics = ChannelMetrics.disabled
  private let state: Watched<State>

  /// A channel whose configuration is that of the fixture's system channel, with other brokers and
  /// another sequence.
  init(_ channelID: String, brokers: [String] = ["kafka:9092"], sequence: UInt64 = 0) throws {
    let fixture = Repository.fixtures.appending(path: "blocks/system-kafka-v20.block")
    var block = try Block(serialized: [UInt8](Data(contentsOf: fixture)))
    let envelope = try Common_Envelope(serializedBytes: block.data[0])
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    var config = try Common_ConfigEnvelope(serializedBytes: payload.data)
    var value = Orderer_KafkaBrokers()
    value.brokers = brokers
    config.config.sequence = sequence
    config.config.channelGroup.groups["Orderer"]?.values["KafkaBrokers"]?.value =
      try value.serializedData()
    self.channelID = channelID
    bundle = try ConfigBundle(channelID: channelID, config: config.config)
    block.metadata = []
    state = Watched(State(blocks: [block]))
  }

  /// The current state.
  var now: State { state.read { $0 } }

  /// Waits until a condition holds.
  func wait(until condition: @escaping @Sendable (State) -> Bool) async {
    await state.wait { condition($0) ? () : nil }
  }

  /// Waits until the chain works.
  func waitUntilItWorks() async { await wait { $0.error == nil } }

  /// Waits until the chain cannot go on; why.
  func failure() async -> String { await state.wait { $0.failure } }

  /// Lets the ledger lose what is written to it.
  func loseBlocks() { state.change { $0.losesBlocks = true } }

  /// The newest block, as if the consenter had left this metadata in it.
  func newestBlock(holding metadata: [UInt8] = []) throws -> Block {
    var block = try block(height - 1)
    var slot = Common_Metadata()
    slot.value = Data(metadata)
    block.metadata = [[], [], [], try slot.serializedBytes(), []]
    return block
  }

  // MARK: ConsenterSupport

  var height: UInt64 { UInt64(state.read { $0.blocks.count }) }

  func block(_ number: UInt64) throws -> Block {
    try state.read { state in
      guard number < state.blocks.count else { throw Refused() }
      return state.blocks[Int(number)]
    }
  }

  func revalidate(normal message: OrderedMessage) throws {}
  func revalidate(config message: OrderedMessage) throws -> OrderedMessage { throw Refused() }

  func write(_ blocks: [PendingBlock]) async throws {
    let offsets = try blocks.map { block in
      try KafkaOffsets(metadata: ConsenterMetadata.unwrap(block.consenterMetadata) ?? [])
    }
    state.change { state in
      guard !state.losesBlocks else { return }
      for (block, offsets) in zip(blocks, offsets) {
        let header = BlockHeader(
          number: UInt64(state.blocks.count), previousHash: [], dataHash: [])
        state.blocks.append(
          Block(header: header, data: block.batch.map(\.envelope.bytes), metadata: []))
        state.offsets.append(offsets)
      }
    }
  }

  func writeConfig(_ message: OrderedMessage, consenterMetadata: [UInt8]) async throws {
    try await write([PendingBlock(batch: [message], consenterMetadata: consenterMetadata)])
  }

  func append(made blocks: [MadeBlock]) async throws { throw Refused() }

  func fail(reason: String) { state.change { $0.failure = reason } }
  func suspend(reason: String) { state.change { $0.trouble = reason } }
  func recover() { state.change { $0.trouble = nil } }
  func ceaseOrdering(reason: String) { fail(reason: reason) }
}

extension Chain {
  /// Hands in messages, all of which have to be taken.
  func submit(_ messages: [OrderedMessage]) async throws {
    switch await order(messages) {
    case .all(.taken): break
    case .all(.refused(let error)): throw error
    default: throw TestChannel.Refused()
    }
  }

  /// Hands in a message whose data is a name.
  func submit(_ name: String) async throws { try await submit([try message(name)]) }
}

/// A normal message whose data is a name.
func message(_ name: String) throws -> OrderedMessage {
  OrderedMessage(
    envelope: try EnvelopeView(envelopeBytes(Array(name.utf8))), configSequence: 0,
    isConfig: false)
}
