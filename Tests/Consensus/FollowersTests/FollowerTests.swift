// A follower at work: over a ledger in memory, and orderers in memory.

import BlockLedger
import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Metrics
import Ordering
import ProcessingFixtures
import ReplicationFixtures
import Synchronization
import TestSupport
import Testing

@testable import Followers

/// The node of a follower: a consenter where blocks may hold 77 messages.
final class FollowingNode: FollowerSupport {
  struct Told: Sendable {
    var configurations: [UInt64] = []
    var forgotten: [UInt64] = []
    var orders = false
    var failure: String?
    var participationChanges = 0
  }

  let told = Watched(Told())
  let height: @Sendable () -> UInt64

  init(height: @escaping @Sendable () -> UInt64) { self.height = height }

  func role(in bundle: ConfigBundle) -> ConsensusRole {
    bundle.orderer?.batchSize.maxMessageCount == 77 ? .consenter : .follower
  }
  func configured(_ bundle: ConfigBundle) {
    told.change { $0.configurations.append(bundle.sequence) }
  }
  func forgetConsensus() async throws {
    let height = height()
    told.change { $0.forgotten.append(height) }
  }
  func participationChanged() { told.change { $0.participationChanges += 1 } }
  func orderInstead() async { told.change { $0.orders = true } }
  func fail(reason: String) { told.change { $0.failure = reason } }
}

@Suite struct FollowerTests {
  private let time = ManualTime()
  private let orderers = PretendedOrderers()

  private func chain() throws -> MadeChain {
    var chain = try MadeChain()
    try chain.grow(by: 2)
    try chain.configure(maxMessageCount: 5)
    try chain.grow(by: 2)
    return chain
  }

  private func follower(
    _ store: any BlockStore, join: JoinPoint? = nil, bundle: ConfigBundle? = nil,
    isStale: Bool = false
  ) throws -> (Follower, FollowingNode) {
    let node = FollowingNode(height: { store.height })
    let follower = try Follower(
      store: store, bundle: bundle, join: join, isStale: isStale, support: node,
      environment: Follower.Environment(
        source: orderers.puller(time: time), signer: TestIdentity.ordererNode(),
        metrics: NOOPMetricsHandler.instance, time: time,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    return (follower, node)
  }

  private func store(_ blocks: [Block] = []) async throws -> any BlockStore {
    let store = try await RAMLedgerFactory(historySize: 1_000).openOrCreate("raftchannel")
    for block in blocks { try await store.append(block) }
    return store
  }

  private func joinPoint(_ chain: MadeChain, _ number: Int) throws -> JoinPoint {
    let block = chain.blocks[number]
    return JoinPoint(block, bundle: try ConfigBundle(configEnvelope: block.data[0]))
  }

  private func expect(_ store: any BlockStore, has blocks: [Block]) throws {
    #expect(try (0..<store.height).map { try store.block($0) } == blocks)
  }

  @Test func itPullsUpToItsJoinBlockAndThenFollows() async throws {
    var chain = try chain()
    orderers.set(chain.blocks)
    let store = try await store()
    let (follower, node) = try follower(store, join: joinPoint(chain, 3))
    #expect(
      follower.participation == ParticipationStatus(relation: .follower, status: .onboarding))
    follower.start()
    await time.pass { store.height == 6 }
    #expect(follower.participation == ParticipationStatus(relation: .follower, status: .active))
    try chain.grow(by: 3)
    try chain.configure(maxMessageCount: 6)
    try chain.grow()
    orderers.set(chain.blocks)
    await time.pass { store.height == 11 }
    try expect(store, has: chain.blocks)
    #expect(node.told.read { $0.configurations } == [0, 1, 2])
    #expect(node.told.read { $0.forgotten } == [])
    #expect(follower.problem == nil)
    await follower.halt()
    #expect(node.told.read { $0.participationChanges } == 1)
    #expect(orderers.openConnections == 0)
  }

  @Test func aJoinBlockThatIsTheFirstIsTakenFromTheOperator() async throws {
    let chain = try MadeChain()
    let store = try await store()
    orderers.set("one:1", .gone)
    let (follower, _) = try follower(store, join: joinPoint(chain, 0))
    #expect(follower.participation.status == .onboarding)
    follower.start()
    try await eventually { follower.participation.status == .active }
    try expect(store, has: chain.blocks)
    await time.pass { follower.problem != nil }
    orderers.set(chain.blocks)
    orderers.set("one:1", .good)
    await time.pass { follower.problem == nil }
    await follower.halt()
  }

  @Test func itGoesOnWhereItWasStopped() async throws {
    let chain = try chain()
    orderers.set(chain.blocks)
    for height in 1...4 {
      let store = try await store(Array(chain.blocks.prefix(height)))
      let bundle = try ConfigBundle(configEnvelope: chain.blocks[height == 4 ? 3 : 0].data[0])
      let join = height < 4 ? try joinPoint(chain, 3) : nil
      let (follower, _) = try follower(store, join: join, bundle: bundle)
      follower.start()
      await time.pass { store.height == 6 }
      try expect(store, has: chain.blocks)
      await follower.halt()
    }
  }

  @Test func itEndsWhenAConfigurationNamesTheNode() async throws {
    var chain = try chain()
    try chain.configure(maxMessageCount: 77)
    try chain.grow()
    orderers.set(chain.blocks)
    let store = try await store()
    let (follower, node) = try follower(store, join: joinPoint(chain, 3))
    follower.start()
    await time.pass { node.told.read { $0.orders } }
    try expect(store, has: chain.blocks)
    #expect(follower.participation == ParticipationStatus(relation: .consenter, status: .active))
    await follower.halt()
  }

  @Test func aBlockThatIsNotTheJoinedOneEndsIt() async throws {
    let chain = try chain()
    var other = try MadeChain()
    try other.grow(by: 2, bytes: 11)
    try other.configure(maxMessageCount: 5)
    orderers.set(other.blocks)
    let store = try await store()
    let (follower, node) = try follower(store, join: joinPoint(chain, 3))
    follower.start()
    await time.pass { node.told.read { $0.failure } != nil }
    #expect(
      node.told.read { $0.failure }?.contains("is not the one that the channel was joined with")
        == true)
    #expect(store.height < 4)
    await follower.halt()
  }

  /// Told that it is not the consenter that the configuration names, the node waits for a later one; what it kept of
  /// its old membership goes before the block that ends that is here.
  @Test func anOldMembershipIsForgottenBeforeANewOneBegins() async throws {
    var chain = try MadeChain()
    try chain.configure(maxMessageCount: 77)
    try chain.grow()
    let store = try await store(chain.blocks)
    let (follower, node) = try follower(store, bundle: chain.bundle, isStale: true)
    orderers.set(chain.blocks)
    follower.start()
    try await eventually { orderers.asked.count > 0 }
    try chain.grow()
    orderers.set(chain.blocks)
    await time.pass { store.height == 4 }
    #expect(!node.told.read { $0.orders })
    try chain.configure(maxMessageCount: 5)
    try chain.grow()
    try chain.configure(maxMessageCount: 77)
    orderers.set(chain.blocks)
    await time.pass { node.told.read { $0.orders } }
    try expect(store, has: chain.blocks)
    #expect(node.told.read { $0.forgotten } == [4])
    await follower.halt()
  }

  @Test func itIsHaltedWhileNobodyAnswers() async throws {
    let chain = try chain()
    orderers.set(chain.blocks)
    orderers.set("one:1", .silent)
    let store = try await store()
    let (follower, _) = try follower(store, join: joinPoint(chain, 3))
    follower.start()
    try await eventually { orderers.openConnections == 1 }
    await follower.halt()
    #expect(orderers.openConnections == 0)
    #expect(store.height == 0)
    // And never again.
    follower.start()
    #expect(orderers.asked.count == 1)
  }
}
