// A chain answers for each message by itself, and so does Broadcast.

import ChannelConfig
import FabricProtos
import Metrics
import MetricsTestKit
import Ordering
import Testing

@testable import AtomicBroadcast

/// A chain that answers as the test says.
private final class ScriptedChain: Chain {
  let outcomes: OrderOutcomes
  let isReady: Bool

  init(_ outcomes: OrderOutcomes, isReady: Bool = true) {
    self.outcomes = outcomes
    self.isReady = isReady
  }

  func start() {}
  func order(_ messages: [OrderedMessage]) async -> OrderOutcomes { outcomes }
  func configure(_ message: OrderedMessage) async -> OrderOutcome { outcomes[0] }
  func waitReady() async throws(ChainError) {
    if !isReady { throw .unavailable(channelID: World.systemChannel, reason: "no leader") }
  }
  func halt() async {}
  func ledgerObstructed(_ reason: String?) {}
  var participation: ParticipationStatus {
    ParticipationStatus(relation: .consenter, status: .active)
  }
  func healthProblem() async -> String? { nil }
  var healthComponent: String? { nil }
}

private struct ScriptedConsenter: Consenter {
  let chain: ScriptedChain

  func role(in bundle: ConfigBundle) -> ConsensusRole { .consenter }
  func makeChain(support: any ConsenterSupport, newestBlock: Block) throws -> any Chain { chain }
  func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {}
}

@Suite struct BroadcastOutcomeTests {
  private let metrics = TestMetrics()

  private func answers(_ chain: ScriptedChain, to count: Int) async throws -> [Common_Status] {
    let world = try await World(consenter: ScriptedConsenter(chain: chain), metrics: metrics)
    let admin = try Client.ordererAdmin()
    return try await world.send((0..<count).map { _ in try admin.envelope() })
  }

  private func processed(_ status: String) -> Int64 {
    metrics.counterTotal(label: "broadcast_processed_count", dimensions: [("status", status)])
  }

  @Test func whatIsTakenTogetherIsAnsweredTogether() async throws {
    let answers = try await answers(ScriptedChain(.all(.taken)), to: 3)
    #expect(answers == [.success, .success, .success])
    #expect(processed("SUCCESS") == 3)
  }

  @Test(arguments: [
    OrderOutcome.duplicate, .refused(.overloaded(channelID: "a")),
    .refused(.failed(channelID: "a", reason: "x")),
  ])
  func theFirstThatIsNotTakenEndsTheStream(_ outcome: OrderOutcome) async throws {
    let chain = ScriptedChain(.each([.taken, .taken, outcome, .taken]))
    #expect(try await answers(chain, to: 4) == [.success, .success, .serviceUnavailable])
    #expect(processed("SUCCESS") == 2)
    #expect(processed("SERVICE_UNAVAILABLE") == 1)
  }

  @Test func aChainThatIsNotReadyIsGivenNothing() async throws {
    let chain = ScriptedChain(.all(.taken), isReady: false)
    #expect(try await answers(chain, to: 2) == [.serviceUnavailable])
  }
}
