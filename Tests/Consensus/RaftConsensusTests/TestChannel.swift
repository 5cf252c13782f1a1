// A channel without a node around it: a ledger in memory, and configurations that take effect.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Logging
import Membership
import Ordering
import ProcessingFixtures

@testable import RaftConsensus

/// One channel of one node.
final class TestChannel: ConsenterSupport {
  struct Refused: Error, CustomStringConvertible {
    var description = "refused by the test"
  }

  struct State: Sendable {
    var bundle: ConfigBundle
    var height: UInt64
    var trouble: String?
    var failure: String?
    /// How many blocks were written together.
    var groups: [Int] = []
    /// Writers wait here.
    var isBlocked = false
    /// Why writes fail.
    var refusal: Refused?
    /// Data of messages that the newest configuration does not allow.
    var forbidden: Set<String> = []
    /// Why the chain takes no part any more.
    var ceased: String?
  }

  let channelID: String
  let store: any BlockStore
  let state: Watched<State>
  private let writer: BlockWriter

  /// Opens a ledger that has a block.
  init(_ store: any BlockStore, time: any TimeSource) throws {
    self.store = store
    channelID = store.channelID
    let newest = try store.block(store.height - 1)
    let config = try store.block(newest.lastConfigIndex(channelID: channelID))
    let bundle = try ConfigBundle(configEnvelope: config.data[0])
    writer = try BlockWriter(
      store: store, signer: TestIdentity.ordererNode(), configSequence: bundle.sequence,
      retry: LedgerRetry(
        channelID: channelID, time: time,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
      time: time, metrics: .disabled)
    state = Watched(State(bundle: bundle, height: store.height))
  }

  /// The genesis block of a Raft channel.
  static func genesis(
    _ metadata: Etcdraft_ConfigMetadata, channelID: String = "raftchannel",
    edit: (inout Common_ConfigGroup) throws -> Void = { _ in }
  ) throws -> SealedBlock {
    var config = Common_ConfigEnvelope()
    config.config = try raftBundle(metadata, channelID: channelID, edit: edit).config
    let entry = try Messages.message(
      channelID, TestIdentity.ordererNode(), config.deterministicBytes(), type: .config)
    let block = AssembledBlock(number: 0, previousHash: [], data: [entry])
    return SealedBlock(block, metadata: BlockMetadata.empty)
  }

  /// A ledger with such a block.
  static func ledger(
    _ metadata: Etcdraft_ConfigMetadata, channelID: String = "raftchannel",
    edit: (inout Common_ConfigGroup) throws -> Void = { _ in }
  ) async throws -> any BlockStore {
    let store = try await RAMLedgerFactory(historySize: 10_000).openOrCreate(channelID)
    try await store.append(genesis(metadata, channelID: channelID, edit: edit))
    return store
  }

  /// A ledger with these blocks.
  static func ledger(copying blocks: some Sequence<Block>) async throws -> any BlockStore {
    let store = try await RAMLedgerFactory(historySize: 10_000).openOrCreate("raftchannel")
    for block in blocks { try await store.append(block) }
    return store
  }

  // MARK: Looking at it

  var now: State { state.read { $0 } }

  func wait(until condition: @escaping @Sendable (State) -> Bool) async {
    await state.wait { condition($0) ? () : nil }
  }

  func wait(height: UInt64) async { await wait { $0.height >= height || $0.failure != nil } }
  /// Why the chain cannot go on.
  func failure() async -> String { await state.wait { $0.failure } }

  /// All blocks, the genesis block first.
  func allBlocks() throws -> [Block] { try (0..<store.height).map { try store.block($0) } }

  /// The blocks from number 1 on.
  func blocks() throws -> [Block] { try (1..<store.height).map { try store.block($0) } }

  /// The data of the messages in the blocks.
  func contents() throws -> [[String]] {
    try blocks().map {
      try $0.data.map { String(decoding: try EnvelopeView($0).data, as: UTF8.self) }
    }
  }

  /// The consenter metadata of the blocks.
  func metadata() throws -> [RaftBlockMetadata] {
    try blocks().map { try RaftBlockMetadata(serialized: $0.consenterMetadata()) }
  }

  /// The CONFIG message that brings an edit about.
  func configMessage(
    _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws -> OrderedMessage {
    let update = try Messages.update(
      channelID, ConfigDelta.update(bundle, edit), by: [TestIdentity.ordererAdmin()],
      submitter: TestIdentity.ordererAdmin())
    let config = try bundle.proposeConfigUpdate(envelope: update.bytes)
    return OrderedMessage(
      envelope: try EnvelopeView(
        Messages.message(
          channelID, TestIdentity.ordererNode(), config.deterministicBytes(), type: .config)),
      configSequence: bundle.sequence, isConfig: true)
  }

  /// The CONFIG message that brings these consenters and options about.
  func configMessage(_ metadata: Etcdraft_ConfigMetadata) throws -> OrderedMessage {
    let bytes = try metadata.serializedData()
    return try configMessage { try $0.editConsensus { $0.metadata = bytes } }
  }

  // MARK: ConsenterSupport

  var bundle: ConfigBundle { state.read { $0.bundle } }
  var height: UInt64 { store.height }
  var metrics: ChannelMetrics { .disabled }
  func block(_ number: UInt64) throws -> Block { try store.block(number) }

  func revalidate(normal message: OrderedMessage) throws {
    let text = String(decoding: message.envelope.data, as: UTF8.self)
    if state.read({ $0.forbidden.contains(text) }) { throw Refused() }
  }

  /// No configuration message is made anew.
  func revalidate(config message: OrderedMessage) throws -> OrderedMessage { throw Refused() }

  func write(_ blocks: [PendingBlock]) async throws { throw Refused() }
  func writeConfig(_ message: OrderedMessage, consenterMetadata: [UInt8]) async throws {
    throw Refused()
  }

  func append(made blocks: [MadeBlock]) async throws {
    await state.wait { $0.isBlocked ? nil : () }
    if let refusal = state.read({ $0.refusal }) { throw refusal }
    var next = bundle
    for block in blocks {
      guard
        let message = Block(
          header: block.assembled.header, data: block.assembled.data, metadata: []
        ).configEnvelope
      else { continue }
      let config = try Common_ConfigEnvelope(serializedBytes: Array(message.data)).config
      next = try ConfigBundle(channelID: channelID, config: config)
    }
    try await writer.append(made: blocks, isForFabric1: false, configSequence: next.sequence)
    let (bundle, height) = (next, store.height)
    state.change { state in
      state.bundle = bundle
      state.height = height
      state.groups.append(blocks.count)
    }
  }

  func fail(reason: String) { state.change { $0.failure = reason } }
  func suspend(reason: String) { state.change { $0.trouble = reason } }
  func recover() { state.change { $0.trouble = nil } }
  func ceaseOrdering(reason: String) {
    state.change { $0.ceased = reason }
  }
}
