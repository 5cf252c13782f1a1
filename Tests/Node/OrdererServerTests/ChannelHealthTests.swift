// What /healthz says of channels.

import BlockLedger
import ChannelConfig
import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing
import Multichannel
import Ordering
import ReplicationFixtures
import Synchronization
import TestSupport
import Testing

@testable import Operations
@testable import OrdererServer

/// A chain whose health the test decides.
private final class MoodyChain: Chain {
  let problem: Mutex<String?>
  let healthComponent: String?

  init(problem: String?, component: String?) {
    self.problem = Mutex(problem)
    healthComponent = component
  }

  func start() {}
  func order(_ messages: [OrderedMessage]) async -> OrderOutcomes { .all(.taken) }
  func configure(_ message: OrderedMessage) async -> OrderOutcome { .taken }
  func waitReady() async throws(ChainError) {}
  func halt() async {}
  func ledgerObstructed(_ reason: String?) {}
  var participation: ParticipationStatus {
    ParticipationStatus(relation: .other, status: .active)
  }
  func healthProblem() async -> String? { problem.withLock { $0 } }
}

private struct MoodyConsenter: Consenter {
  let chain: MoodyChain

  func role(in bundle: ConfigBundle) -> ConsensusRole { .consenter }
  func makeChain(support: any ConsenterSupport, newestBlock: Block) throws -> any Chain { chain }
  func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {}
}

@Suite struct ChannelHealthTests {
  private static let fixtures = Repository.fixtures.path
  private let checks = HealthChecks(time: ManualTime())
  private let ledgers = RAMLedgerFactory(historySize: 100)

  private func registrar(_ chain: MoodyChain, _ health: ChannelHealth) async throws -> Registrar {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let local = try LocalMSP(
      directory: "\(Self.fixtures)/crypto/orderer.test/nodes/node1/msp", mspID: "OrdererMSP",
      keyStoreDirectory: nil, now: Date())
    let registrar = Registrar(
      ledgers: ledgers, signer: local.signer, consenters: ["solo": MoodyConsenter(chain: chain)],
      blocks: try PretendedOrderers().puller(),
      environment: ProcessingEnvironment(logger: logger, now: { Date() }),
      onChannel: { health.add($0, $1) },
      time: .system, logger: logger)
    health.attach(registrar)
    let genesis = try Data(
      contentsOf: URL(fileURLWithPath: "\(Self.fixtures)/blocks/system-solo-v20.block"))
    if try !ledgers.channelIDs().contains("syschannel") {
      try await ledgers.openOrCreate("syschannel").append(Block(serialized: [UInt8](genesis)))
    }
    try await registrar.initialize()
    return registrar
  }

  private func failures() async throws -> [String: String] {
    let failures = try #require(await checks.failures())
    return Dictionary(uniqueKeysWithValues: failures.map { ($0.component, $0.reason) })
  }

  private var health: ChannelHealth { ChannelHealth(checks, logger: Logger(label: "test")) }

  @Test func aChannelThatWorksIsHealthy() async throws {
    let health = health
    let registrar = try await registrar(MoodyChain(problem: nil, component: nil), health)
    #expect(try await failures().isEmpty)
    _ = registrar
  }

  @Test func aChannelThatCannotBeOpenedIsToldWithItsReason() async throws {
    try await ledgers.openOrCreate("broken").append(
      Block(
        header: BlockHeader(number: 0, previousHash: [], dataHash: SHA256Digest.hash([9])),
        data: [[9]], metadata: []))
    let health = health
    let registrar = try await registrar(MoodyChain(problem: nil, component: nil), health)
    let found = try await failures()
    #expect(Array(found.keys) == ["broken"])
    #expect(found["broken"]?.contains("not available") == true)
    _ = registrar
  }

  @Test func aHaltedChannelIsToldUntilItRecovers() async throws {
    let health = health
    let registrar = try await registrar(MoodyChain(problem: nil, component: nil), health)
    guard case .channel(let channel) = registrar.lookUp("syschannel") else {
      return #expect(Bool(false), "no channel")
    }
    channel.tip.suspend("no brokers")
    #expect(try await failures()["syschannel"]?.contains("no brokers") == true)
    channel.tip.recover()
    #expect(try await failures().isEmpty)
    channel.tip.fail("no disk")
    #expect(try await failures()["syschannel"]?.contains("no disk") == true)
  }

  @Test func aChainsOwnProblemIsToldUnderTheChannelsNameOrItsOwn() async throws {
    for component in [nil, "syschannel/0"] {
      let checks = HealthChecks(time: ManualTime())
      let health = ChannelHealth(checks, logger: Logger(label: "test"))
      let chain = MoodyChain(problem: "[replica ids: 1]", component: component)
      let registrar = try await registrar(chain, health)
      let found = try #require(await checks.failures())
      #expect(found.map(\.component) == [component ?? "syschannel"])
      #expect(found.first?.reason == "[replica ids: 1]")
      chain.problem.withLock { $0 = nil }
      #expect(await checks.failures()?.isEmpty == true)
      _ = registrar
    }
  }
}
