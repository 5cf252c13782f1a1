// A channel without a node around it, and messages for it.

import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Logging
import Ordering
import TestSupport

@testable import SoloConsensus

/// One channel, with its blocks in memory.
final class TestChannel: ConsenterSupport {
  struct Refused: Error, CustomStringConvertible {
    var description = "refused by the test"
  }

  struct State {
    var bundle: ConfigBundle
    /// The messages of each block, by their texts.
    var blocks: [[String]] = []
    /// How many blocks were written together.
    var groups: [Int] = []
    var failure: String?
    /// Why writes fail.
    var refusal: Refused?
    /// Writers wait here.
    var isBlocked = false
    /// Texts of messages that the newest configuration does not allow.
    var forbidden: Set<String> = []
  }

  static let batchTimeout = Duration.seconds(2)
  static let maxMessageCount = 3

  let channelID = "solo"
  let state: Watched<State>

  init() throws {
    let fixture = Repository.fixtures.appending(path: "blocks/system-solo-v20.block")
    let block = try Block(serialized: [UInt8](Data(contentsOf: fixture)))
    let envelope = try Common_Envelope(serializedBytes: block.data[0])
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    var config = try Common_ConfigEnvelope(serializedBytes: payload.data).config
    var size = Orderer_BatchSize()
    size.maxMessageCount = UInt32(Self.maxMessageCount)
    size.absoluteMaxBytes = 10 << 20
    size.preferredMaxBytes = 10 << 20
    var timeout = Orderer_BatchTimeout()
    timeout.timeout = "2s"
    config.channelGroup.groups["Orderer"]?.values["BatchSize"]?.value = try size.serializedData()
    config.channelGroup.groups["Orderer"]?.values["BatchTimeout"]?.value =
      try timeout.serializedData()
    state = Watched(State(bundle: try ConfigBundle(channelID: "solo", config: config)))
  }

  var bundle: ConfigBundle { state.read { $0.bundle } }
  var height: UInt64 { 1 + UInt64(state.read { $0.blocks.count }) }
  var metrics: ChannelMetrics { .disabled }
  func block(_ number: UInt64) throws -> Block { throw Refused() }

  /// The blocks, once there are this many.
  func blocks(_ count: Int) async -> [[String]] {
    await state.wait { $0.blocks.count >= count ? $0.blocks : nil }
  }

  func revalidate(normal message: OrderedMessage) throws {
    if state.read({ $0.forbidden.contains(text(of: message)) }) { throw Refused() }
  }

  func revalidate(config message: OrderedMessage) throws -> OrderedMessage {
    try revalidate(normal: message)
    return OrderedMessage(
      envelope: message.envelope, configSequence: bundle.sequence, isConfig: true)
  }

  func write(_ blocks: [PendingBlock]) async throws {
    await state.wait { $0.isBlocked ? nil : () }
    try state.change { state throws(Refused) in
      if let refusal = state.refusal { throw refusal }
      state.groups.append(blocks.count)
      state.blocks += blocks.map { $0.batch.map(text) }
    }
  }

  func writeConfig(_ message: OrderedMessage, consenterMetadata: [UInt8]) async throws {
    var config = bundle.config
    config.sequence += 1
    let next = try ConfigBundle(channelID: channelID, config: config)
    state.change { $0.bundle = next }
    try await write([PendingBlock(batch: [message], consenterMetadata: consenterMetadata)])
  }

  /// Solo has no blocks of others.
  func append(made blocks: [MadeBlock]) async throws { throw Refused() }

  func fail(reason: String) { state.change { $0.failure = reason } }
  func suspend(reason: String) {}
  func recover() {}
  func ceaseOrdering(reason: String) { fail(reason: reason) }
}

/// A message that says something.
func message(
  _ text: String, isConfig: Bool = false, sequence: UInt64 = 0
) throws -> OrderedMessage {
  var payload = Common_Payload()
  payload.header = Common_Header()
  payload.data = Data(text.utf8)
  var envelope = Common_Envelope()
  envelope.payload = try payload.serializedData()
  return OrderedMessage(
    envelope: try EnvelopeView(envelope.serializedBytes()), configSequence: sequence,
    isConfig: isConfig)
}

/// What a message says.
func text(of message: OrderedMessage) -> String {
  String(decoding: message.envelope.data, as: UTF8.self)
}
