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
import Replication
import ReplicationFixtures
import SoloConsensus
import TestSupport
import Testing

@testable import Multichannel

@Suite struct RegistrarTests {
  static let fixtures = Repository.fixtures.path

  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  static func genesis(_ name: String) throws -> Block {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/blocks/\(name).block"))
    return try Block(serialized: [UInt8](data))
  }

  static func registrar(
    _ ledgers: any LedgerFactory, metrics: any MetricsFactory = NOOPMetricsHandler.instance,
    time: any TimeSource = ManualTime(), chainTime: any TimeSource = ManualTime(),
    consenter: (any Consenter)? = nil, cluster: (any ClusterConsenter)? = nil,
    kafka: (any Consenter)? = nil, trackingInterval: Duration = .seconds(20),
    blocks: (any ChannelSource)? = nil, logger: Logger = silent,
    onChannel: @escaping @Sendable (String, Registrar.Entry) -> Void = { _, _ in },
    onParticipation: @escaping @Sendable (String, ParticipationStatus?) -> Void = { _, _ in }
  ) throws -> Registrar {
    let local = try LocalMSP(
      directory: "\(fixtures)/crypto/orderer.test/nodes/node1/msp", mspID: "OrdererMSP",
      keyStoreDirectory: nil, now: Date())
    var consenters: [String: any Consenter] = [
      "solo": consenter ?? SoloConsenter(time: chainTime, logger: logger)
    ]
    consenters["etcdraft"] = cluster
    consenters["kafka"] = kafka
    return Registrar(
      ledgers: ledgers, signer: local.signer, consenters: consenters,
      blocks: try blocks ?? PretendedOrderers().puller(),
      environment: ProcessingEnvironment(logger: logger, now: { Date() }), onChannel: onChannel,
      onParticipation: onParticipation, trackingInterval: trackingInterval, metrics: metrics,
      time: time, logger: logger)
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

  static func hash(_ bytes: [UInt8]) -> [UInt8] { SHA256Digest.hash(bytes) }
}
