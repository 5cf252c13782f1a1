// What lies between clients and a chain: outcomes for each message, judgement of consensus
// metadata.

import BlockLedger
import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing
import Ordering
import ReplicationFixtures
import Testing

@testable import Multichannel

/// A chain that answers as the test wants.
final class ScriptedChain: Chain {
  struct State {
    var outcomes = OrderOutcomes.all(.taken)
    var isHalted = false
  }

  let state = Watched(State())
  var healthComponent: String? { nil }
  var participation: ParticipationStatus { ParticipationStatus(relation: .other, status: .active) }

  func start() {}
  func order(_ messages: [OrderedMessage]) async -> OrderOutcomes { state.read { $0.outcomes } }
  func configure(_ message: OrderedMessage) async -> OrderOutcome { state.read { $0.outcomes[0] } }
  func waitReady() async throws(ChainError) {}
  func halt() async { state.change { $0.isHalted = true } }
  func ledgerObstructed(_ reason: String?) {}
  func healthProblem() async -> String? { nil }
}

/// Makes one chain, and judges as the test wants.
struct ScriptedConsenter: Consenter {
  let chain = ScriptedChain()
  var role = ConsensusRole.consenter
  /// Why changes are refused.
  var refusal: String?
  let seen = Watched<[ConsensusChange]>([])

  func role(in bundle: ConfigBundle) -> ConsensusRole { role }
  func makeChain(support: any ConsenterSupport, newestBlock: Block) throws -> any Chain { chain }
  func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {
    seen.change { $0.append(change) }
    if let refusal { throw ConsensusChangeRefusal(refusal) }
  }
}

@Suite struct ChannelOrderingTests {
  private static let channelID = "syschannel"
  private let messages: [OrderedMessage]

  init() throws {
    messages = try (1...3).map { name in
      OrderedMessage(
        envelope: try EnvelopeView(
          CreationFixture.envelope(.message, channelID: Self.channelID, data: [name])),
        configSequence: 0, isConfig: false)
    }
  }

  private func registrar(_ consenter: ScriptedConsenter) async throws -> Registrar {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let local = try LocalMSP(
      directory: "\(RegistrarTests.fixtures)/crypto/orderer.test/nodes/node1/msp",
      mspID: "OrdererMSP", keyStoreDirectory: nil, now: Date())
    let registrar = Registrar(
      ledgers: RAMLedgerFactory(historySize: 100), signer: local.signer,
      consenters: ["solo": consenter], blocks: try PretendedOrderers().puller(),
      environment: ProcessingEnvironment(logger: logger, now: { Date() }), time: ManualTime(),
      logger: logger)
    try await registrar.bootstrap(RegistrarTests.genesis("system-solo-v20"))
    try await registrar.initialize()
    return registrar
  }

  private func channel(_ consenter: ScriptedConsenter) async throws -> Channel {
    let registrar = try await registrar(consenter)
    guard case .channel(let channel) = registrar.lookUp(Self.channelID) else {
      throw RegistrarError("the channel should work")
    }
    return channel
  }

  @Test func everyMessageHasAnOutcomeOfItsOwn() async throws {
    let consenter = ScriptedConsenter()
    let channel = try await channel(consenter)
    let outcomes = OrderOutcomes.each([
      .taken, .duplicate, .refused(.overloaded(channelID: Self.channelID)),
    ])
    consenter.chain.state.change { $0.outcomes = outcomes }
    #expect(await channel.order(messages) == outcomes)
    #expect(channel.problem == nil)
  }

  @Test func aChainThatDoesNotAnswerForEachMessageEndsItsChannelAndNotTheNode() async throws {
    let consenter = ScriptedConsenter()
    let channel = try await channel(consenter)
    consenter.chain.state.change { $0.outcomes = .each([.taken]) }
    guard case .all(.refused(.failed)) = await channel.order(messages) else {
      Issue.record("the messages should be refused")
      return
    }
    await consenter.chain.state.wait { $0.isHalted ? () : nil }
    #expect(channel.problem?.contains("internal error") == true)
    await #expect(throws: ChainError.self) { try await channel.waitReady() }
  }

  @Test func theConsenterJudgesWhatAnUpdateMakesOfItsMetadata() async throws {
    let consenter = ScriptedConsenter(refusal: "one node at a time")
    let bundle = try await channel(consenter).bundle
    let local = try LocalMSP(
      directory: "\(RegistrarTests.fixtures)/crypto/orderer.test/nodes/node1/msp",
      mspID: "OrdererMSP", keyStoreDirectory: nil, now: Date())
    let resources = ChannelResourcesHolder(
      bundle: bundle, signer: local.signer, consenter: consenter, observer: { _ in })
    let orderer = try #require(bundle.orderer)
    #expect(throws: ProcessingError.badRequest("one node at a time")) {
      try resources.validateConsensusMetadata(
        current: orderer, next: orderer, isNewChannel: false)
    }
    let change = try #require(consenter.seen.read { $0.first })
    #expect(change.channelID == Self.channelID)
    #expect(change.current == orderer)
    #expect(!change.isNewChannel)
  }

  @Test func theSystemChannelsConsenterJudgesTheMetadataOfANewChannel() async throws {
    let consenter = ScriptedConsenter(refusal: "not these nodes")
    let channel = try await channel(consenter)
    let creation = try EnvelopeView(CreationFixture.transaction())
    #expect {
      try channel.processor.processConfigUpdate(creation)
    } throws: { error in
      "\(error)".hasSuffix(
        "consensus metadata update for channel creation is invalid: not these nodes")
    }
    #expect(consenter.seen.read { $0.map(\.isNewChannel) } == [true])
  }

  @Test(arguments: [ConsensusRole.follower, .neither])
  func aChannelThatThisNodeDoesNotOrderIsUnavailable(_ role: ConsensusRole) async throws {
    let registrar = try await registrar(ScriptedConsenter(role: role))
    guard case .unavailable(let reason) = registrar.lookUp(Self.channelID) else {
      Issue.record("the channel should be unavailable")
      return
    }
    #expect(reason.contains("not a consenter"))
  }
}
