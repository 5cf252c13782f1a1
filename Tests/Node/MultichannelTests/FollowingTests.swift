// Channels that others order: how a node comes to order one, and how it ceases to.

import BlockLedger
import Concurrency
import FabricProtos
import Ordering
import ProcessingFixtures
import ReplicationFixtures
import TestSupport
import Testing

@testable import Multichannel

@Suite struct FollowingTests {
  private let folder = JoinFolder()
  private let name = JoinFixture.channelID
  private let time = ManualTime()
  private let orderers = PretendedOrderers()
  private let cluster = TestCluster(readsConfig: true)

  private func withNode(
    told: Watched<[String]> = Watched([]), _ body: (Registrar) async throws -> Void
  ) async throws {
    try await folder.withNode(cluster, orderers: orderers, time: time, told: told) {
      registrar, _ in try await body(registrar)
    }
  }

  /// Three blocks, the last of which holds a configuration.
  private func chain() throws -> MadeChain {
    var chain = try MadeChain()
    try chain.grow()
    try chain.configure(maxMessageCount: 5)
    return chain
  }

  private func isFollowed(_ registrar: Registrar) -> Bool {
    if case .follower = registrar.lookUp(name) { true } else { false }
  }

  private func isOrdered(_ registrar: Registrar) -> Bool {
    if case .channel = registrar.lookUp(name) { true } else { false }
  }

  @Test func aFollowerOrdersOnceAConfigurationNamesTheNode() async throws {
    var chain = try chain()
    orderers.set(chain.blocks)
    let told = Watched([String]())
    try await withNode(told: told) { registrar in
      let info = try await registrar.join(JoinFixture.join(chain.blocks[2]))
      #expect(
        info.participation == ParticipationStatus(relation: .follower, status: .onboarding))
      try await time.pass { try registrar.info(of: name).height == 3 }
      try await time.pass { try registrar.info(of: name).participation.status == .active }
      #expect(folder.names("pendingops/join") == ["\(name).join"])
      try chain.configure(maxMessageCount: TestCluster.consentersMessageCount)
      orderers.set(chain.blocks)
      await time.pass { isOrdered(registrar) }
      #expect(registrar.channels().first?.tip.height == 4)
      try await eventually { folder.names("pendingops/join") == [] }
      #expect(told.read { $0 } == ["follower/onboarding", "follower/active", "other/active"])
      #expect(cluster.removed == [])
    }
    try await withNode { #expect(isOrdered($0)) }
  }

  @Test func onboardingGoesOnAfterAStop() async throws {
    var chain = try chain()
    try chain.grow(by: 3)
    try chain.configure(maxMessageCount: 6)
    orderers.set(Array(chain.blocks.prefix(4)))
    try await withNode { registrar in
      _ = try await registrar.join(JoinFixture.join(chain.blocks[6]))
      try await time.pass { try registrar.info(of: name).height == 4 }
      #expect(try registrar.info(of: name).participation.status == .onboarding)
    }
    orderers.set(chain.blocks)
    try await withNode { registrar in
      #expect(try registrar.info(of: name).participation.status == .onboarding)
      try await time.pass { try registrar.info(of: name).height == 7 }
      try await time.pass { try registrar.info(of: name).participation.status == .active }
    }
    try await withNode { registrar in
      let info = try registrar.info(of: name)
      #expect(info.participation.status == .active)
      #expect(info.height == 7)
    }
    #expect(orderers.openConnections == 0)
  }

  /// A node that orders a channel from its first block on.
  private func ordered(_ registrar: Registrar) async throws -> MadeChain {
    let chain = try MadeChain {
      try $0.editBatchSize { $0.maxMessageCount = TestCluster.consentersMessageCount }
    }
    orderers.set(chain.blocks)
    _ = try await registrar.join(JoinFixture.join(chain.blocks[0]))
    #expect(isOrdered(registrar))
    return chain
  }

  private func cease(_ registrar: Registrar) async throws {
    try #require(cluster.support(of: name)).ceaseOrdering(reason: "evicted")
    // A second word of it changes nothing.
    try #require(cluster.support(of: name)).ceaseOrdering(reason: "evicted")
    try await eventually { isFollowed(registrar) }
  }

  @Test func aNodeThatWasRemovedFollowsAndMayComeBack() async throws {
    try await withNode { registrar in
      var chain = try await ordered(registrar)
      try chain.configure(maxMessageCount: 5)
      let support = try #require(cluster.support(of: name))
      let configured = try AssembledBlock(
        verifying: chain.blocks[1].header, data: chain.blocks[1].data)
      try await support.append(made: [MadeBlock(configured, consenterMetadata: [])])
      orderers.set(chain.blocks)
      let tip = try #require(registrar.channels().first).tip
      try await cease(registrar)
      // Readers are told, and the consenter's data are gone, so that it can begin anew.
      #expect(tip.failure == "evicted")
      #expect(cluster.removed == [name])
      #expect(
        try registrar.info(of: name)
          == ChannelInfo(
            name: name,
            participation: ParticipationStatus(relation: .follower, status: .active), height: 2))
      try chain.grow()
      orderers.set(chain.blocks)
      try await time.pass { try registrar.info(of: name).height == 3 }
      try chain.configure(maxMessageCount: TestCluster.consentersMessageCount)
      orderers.set(chain.blocks)
      await time.pass { isOrdered(registrar) }
      #expect(registrar.channels().first?.tip.height == 4)
      #expect(cluster.removed == [name])
    }
  }

  /// The configuration that is here still names the node, but others have told it that it is not that consenter any
  /// more: it waits for a later one, and never switches to and fro.
  @Test func aNodeThatWasToldThatItsIdIsOldWaitsForANewConfiguration() async throws {
    try await withNode { registrar in
      var chain = try await ordered(registrar)
      try await cease(registrar)
      #expect(cluster.removed == [])
      try chain.grow()
      orderers.set(chain.blocks)
      try await time.pass { try registrar.info(of: name).height == 2 }
      #expect(isFollowed(registrar))
      // It was removed and added again.
      try chain.configure(maxMessageCount: 5)
      try chain.configure(maxMessageCount: TestCluster.consentersMessageCount)
      orderers.set(chain.blocks)
      await time.pass { isOrdered(registrar) }
      #expect(cluster.removed == [name])
      #expect(registrar.channels().first?.tip.height == 4)
    }
  }

  @Test func aFollowerCanBeRemovedAtAnyMoment() async throws {
    let chain = try chain()
    for manner in [PretendedOrderers.Manner.good, .silent, .gone] {
      orderers.set(chain.blocks)
      orderers.set("one:1", manner)
      try await withNode { registrar in
        let asked = orderers.asked.count
        _ = try await registrar.join(JoinFixture.join(chain.blocks[2]))
        try await eventually { orderers.asked.count > asked }
        try await registrar.remove(name)
        _ = await registrar.map.wait { $0.states.isEmpty ? () : nil }
        #expect(folder.names("chains") == [])
        #expect(folder.names("pendingops/join") == [])
        #expect(orderers.openConnections == 0)
      }
    }
  }

  @Test func aChainThatIsNotTheJoinedOneIsToldAndCanBeRemoved() async throws {
    let chain = try chain()
    var other = try MadeChain()
    try other.grow(bytes: 20)
    try other.configure(maxMessageCount: 5)
    orderers.set(other.blocks)
    try await withNode { registrar in
      _ = try await registrar.join(JoinFixture.join(chain.blocks[2]))
      await time.pass { registrar.map.read { $0.states[name]?.name } == "unusable" }
      #expect(try registrar.info(of: name).participation.status == .failed)
      guard case .unavailable(let reason) = registrar.lookUp(name) else {
        Issue.record("the reason should be told")
        return
      }
      #expect(reason.contains("is not the one that the channel was joined with"))
      try await registrar.remove(name)
      _ = await registrar.map.wait { $0.states.isEmpty ? () : nil }
      orderers.set(chain.blocks)
      _ = try await registrar.join(JoinFixture.join(chain.blocks[2]))
      try await time.pass { try registrar.info(of: name).height == 3 }
    }
  }
}
