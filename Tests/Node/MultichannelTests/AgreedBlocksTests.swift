// A channel seals blocks that its nodes have agreed on, and configurations in them take effect.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing
import Ordering
import SoloConsensus
import Synchronization
import Testing

@testable import Multichannel

@Suite struct AgreedBlocksTests {
  private static let channelID = "syschannel"

  /// Why no channel can be created at the moment.
  private final class Obstacle: Sendable {
    let reason = Mutex<String?>(nil)
  }

  /// One node's side of the fixture's system channel.
  private final class Node: Sendable {
    let store: any BlockStore
    let support: ChainSupport
    /// The channels that were created.
    let created: Mutex<[String]>.Shared
    let obstacle = Obstacle()
    let time = ManualTime()

    init(_ number: Int) async throws {
      let genesis = try RegistrarTests.genesis("system-solo-v20")
      var logger = Logger(label: "test")
      logger.logLevel = .critical
      store = try await RAMLedgerFactory(historySize: 100).openOrCreate(channelID)
      try await store.append(genesis)
      let resources = ChannelResourcesHolder(
        bundle: try ConfigBundle(configEnvelope: try #require(genesis.data.first)),
        signer: try LocalMSP(
          directory: "\(RegistrarTests.fixtures)/crypto/orderer.test/nodes/node\(number)/msp",
          mspID: "OrdererMSP", keyStoreDirectory: nil, now: Date()
        ).signer, consenter: SoloConsenter(time: .system, logger: logger), observer: { _ in })
      let created = Mutex<[String]>.Shared()
      self.created = created
      support = try ChainSupport(
        resources: resources,
        processor: StandardChannelProcessor(
          resources, environment: ProcessingEnvironment(logger: logger, now: { Date() })),
        store: store,
        createChannel: { [obstacle] genesis in
          if let reason = obstacle.reason.withLock({ $0 }) {
            throw LedgerNotOpen(channelID: genesis.channelID, reason: reason)
          }
          created.value.withLock { $0.append(genesis.channelID) }
        },
        cease: { _ in }, metrics: .disabled, time: time, logger: logger)
    }

    func blocks() throws -> [Block] { try (1..<store.height).map { try store.block($0) } }
  }

  private func message(_ name: UInt8) throws -> OrderedMessage {
    OrderedMessage(
      envelope: try EnvelopeView(
        CreationFixture.envelope(.message, channelID: Self.channelID, data: [name])),
      configSequence: 0, isConfig: false)
  }

  /// Writes a message, a configuration, a creation of channel `made`, and two messages.
  private func work(_ node: Node) async throws {
    try await node.support.write([PendingBlock(batch: [message(1)])])
    let update = try CreationFixture.capabilityUpdate(of: node.support.bundle, adding: "V1_4_3")
    try await node.support.writeConfig(update, consenterMetadata: [])
    let genesis = try CreationFixture.envelope(.config, channelID: "made", data: [])
    let creation = try CreationFixture.envelope(
      .ordererTransaction, channelID: Self.channelID, data: genesis)
    try await node.support.writeConfig(
      OrderedMessage(envelope: EnvelopeView(creation), configSequence: 1, isConfig: true),
      consenterMetadata: [])
    try await node.support.write([
      PendingBlock(batch: [message(2)]), PendingBlock(batch: [message(3)]),
    ])
  }

  /// Header and data of what another node wrote.
  private func made(_ blocks: [Block]) throws -> [MadeBlock] {
    try blocks.map {
      MadeBlock(
        try AssembledBlock(verifying: $0.header, data: $0.data), consenterMetadata: [0x0A, 1, 7])
    }
  }

  @Test func agreedBlocksAreSealedHereAndTakeEffect() async throws {
    let leader = try await Node(1)
    let other = try await Node(2)
    try await work(leader)
    let blocks = try leader.blocks()
    try await other.support.append(made: made(blocks))
    #expect(other.support.tip.height == 6)
    #expect(other.support.bundle.sequence == 1)
    #expect(other.created.value.withLock { $0 } == ["made"])
    for block in blocks {
      let own = try other.store.block(block.header.number)
      #expect(own.header == block.header)
      #expect(own.data == block.data)
      #expect(
        try own.lastConfigIndex(channelID: Self.channelID)
          == block.lastConfigIndex(channelID: Self.channelID))
      #expect(own.consenterMetadata() == [7])
      #expect(own.signatures != block.signatures)
    }
  }

  @Test func anAgreedConfigurationThatDoesNotFitTakesNoEffect() async throws {
    let leader = try await Node(1)
    try await work(leader)
    var blocks = try leader.blocks()
    blocks[1].header.previousHash[0] ^= 1
    let other = try await Node(2)
    await #expect(throws: BlockError.self) {
      try await other.support.append(made: made(blocks))
    }
    #expect(other.support.bundle.sequence == 0)
    #expect(other.store.height == 2)
    blocks = try leader.blocks()
    blocks[2].header.previousHash[0] ^= 1
    await #expect(throws: BlockError.self) {
      try await other.support.append(made: made(Array(blocks[1...])))
    }
    #expect(other.created.value.withLock { $0 } == [])
    #expect(other.store.height == 3)
  }

  @Test func theChannelThatCreatesAnotherTellsWhatItWaitsFor() async throws {
    let node = try await Node(1)
    node.obstacle.reason.withLock { $0 = "no room" }
    let working = Task { try await work(node) }
    await node.time.waitForSleepers(1)
    let obstruction = try #require(node.support.retry.obstruction)
    #expect(obstruction.contains("channel made, which is to be created, waits: no room"))
    node.obstacle.reason.withLock { $0 = nil }
    node.time.advance(by: .seconds(1))
    try await working.value
    #expect(node.support.retry.obstruction == nil)
    #expect(node.created.value.withLock { $0 } == ["made"])
  }

  @Test func aConfigurationThatTheOneInForceDoesNotAllowIsNotWritten() async throws {
    let leader = try await Node(1)
    try await work(leader)
    let blocks = try leader.blocks()
    let other = try await Node(2)
    try await other.support.append(made: made(Array(blocks[..<2])))
    // The same update once more, now against a configuration that has it.
    var assembler = BlockAssembler(at: ChainEnd(after: blocks[1].header))
    let again = MadeBlock(assembler.assemble(blocks[1].data), consenterMetadata: [])
    await #expect(throws: ConfigError.self) {
      try await other.support.append(made: [again])
    }
    #expect(other.store.height == 3)
    #expect(other.support.bundle.sequence == 1)
  }
}

extension Mutex where Value == [String] {
  /// Lets a closure and a test share a mutex.
  fileprivate final class Shared: Sendable {
    let value = Mutex<[String]>([])
  }
}
