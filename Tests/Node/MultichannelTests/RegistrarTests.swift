// Channels across restarts, and what happens when one of them is damaged.

import BlockLedger
import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing
import Metrics
import Ordering
import SoloConsensus
import Synchronization
import Testing

@testable import Multichannel

@Suite struct RegistrarTests {
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures").path

  static func genesis(_ name: String) throws -> Block {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/blocks/\(name).block"))
    return try Block(serialized: [UInt8](data))
  }

  static func registrar(
    _ ledgers: any LedgerFactory, metrics: any MetricsFactory = NOOPMetricsHandler.instance,
    onChannel: @escaping @Sendable (String, Registrar.Entry) -> Void = { _, _ in }
  ) throws -> Registrar {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let local = try LocalMSP(
      directory: "\(fixtures)/crypto/orderer.test/nodes/node1/msp", mspID: "OrdererMSP",
      keyStoreDirectory: nil)
    return Registrar(
      ledgers: ledgers, signer: local.signer,
      consenters: ["solo": SoloConsenter(time: .system, logger: logger)],
      environment: ProcessingEnvironment(logger: logger, now: { Date() }), onChannel: onChannel,
      metrics: metrics,
      logger: logger)
  }

  @Test func aSystemChannelIsFoundAgain() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    for _ in 0..<2 {
      let registrar = try Self.registrar(ledgers)
      try await registrar.bootstrap(Self.genesis("system-solo-v20"))
      try await registrar.initialize()
      #expect(registrar.channels().map(\.id) == ["syschannel"])
      await registrar.halt()
    }
  }

  @Test func anApplicationChannelsBlockIsNoBootstrapBlock() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let registrar = try Self.registrar(ledgers)
    await #expect {
      try await registrar.bootstrap(Self.genesis("app-raft-v20"))
    } throws: {
      "\($0)".contains("bootstrap block") && "\($0)".contains("lacks ConsortiumsConfig")
    }
    #expect(try ledgers.channelIDs() == [])
  }

  @Test func aConsensusTypeThatIsNotSupportedIsNamedAndNothingIsWritten() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let registrar = try Self.registrar(ledgers)
    await #expect {
      try await registrar.bootstrap(Self.genesis("system-kafka-v20"))
    } throws: {
      "\($0)".contains("kafka") && "\($0)".contains("supports: solo")
    }
    #expect(try ledgers.channelIDs() == [])
  }

  @Test func aChannelThatCannotBeOpenedDoesNotStopTheOthers() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let broken = try await ledgers.openOrCreate("broken")
    try await broken.append(
      Block(
        header: BlockHeader(number: 0, previousHash: [], dataHash: Self.hash([9])), data: [[9]],
        metadata: []))
    _ = try await ledgers.openOrCreate("empty")
    let system = try await ledgers.openOrCreate("syschannel")
    try await system.append(Self.genesis("system-solo-v20"))
    let registrar = try Self.registrar(ledgers)
    try await registrar.initialize()
    #expect(registrar.channels().map(\.id) == ["syschannel"])
    guard case .unavailable = registrar.lookUp("broken") else {
      return #expect(Bool(false), "the broken channel should be known with its reason")
    }
    #expect(registrar.lookUp("empty") == nil)
    #expect(try ledgers.channelIDs() == ["broken", "syschannel"])
  }

  @Test func aCreationThatIsReplayedWaitsForWhatTheFirstAttemptLeft() async throws {
    let ledgers = SlowLedgers(channelID: CreationFixture.channelID)
    let system = try await ledgers.openOrCreate("syschannel")
    try await system.append(Self.genesis("system-solo-v20"))
    ledgers.create()
    let registrar = try Self.registrar(ledgers)
    try await registrar.initialize()
    guard case .unavailable = registrar.lookUp(CreationFixture.channelID) else {
      return #expect(Bool(false), "the channel should still be being opened")
    }
    let genesis = try #require(try CreationFixture.genesisBlock().data.first)
    async let created: Void = registrar.createChannel(EnvelopeView(genesis))
    ledgers.goOn()
    try await created
    #expect(registrar.channels().map(\.id).contains(CreationFixture.channelID))
    await registrar.halt()
  }

  static func hash(_ bytes: [UInt8]) -> [UInt8] { SHA256Digest.hash(bytes) }
}

/// Ledgers in memory, one of which is opened only when the test says so.
private final class SlowLedgers: LedgerFactory {
  private let channelID: String
  private let ledgers = RAMLedgerFactory(historySize: 100)
  private let isThere = Atomic<Bool>(false)
  private let mayGoOn = Atomic<Bool>(false)

  init(channelID: String) { self.channelID = channelID }

  func create() { isThere.store(true, ordering: .releasing) }
  func goOn() { mayGoOn.store(true, ordering: .releasing) }

  func channelIDs() throws(LedgerError) -> [String] {
    try ledgers.channelIDs() + (isThere.load(ordering: .acquiring) ? [channelID] : [])
  }

  func openOrCreate(_ channelID: String) async throws(LedgerError) -> any BlockStore {
    while channelID == self.channelID, !mayGoOn.load(ordering: .acquiring) {
      try? await Task.sleep(for: .milliseconds(5))
    }
    return try await ledgers.openOrCreate(channelID)
  }

  func remove(_ channelID: String) async throws(LedgerError) {
    try await ledgers.remove(channelID)
  }

  func close() async { await ledgers.close() }
}
