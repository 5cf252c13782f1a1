// Channels that a node knows through the system channel, and does not order.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import MessageProcessing
import Ordering
import ProcessingFixtures
import ReplicationFixtures
import TestSupport
import Testing

@testable import Multichannel

@Suite struct TrackingTests {
  private let fixture: SystemChannelFixture
  private let name = SystemChannelFixture.ours

  init() throws { fixture = try SystemChannelFixture() }

  private func create(_ chain: MadeChain, on registrar: Registrar) async throws {
    try await registrar.createChannel(EnvelopeView(chain.blocks[0].data[0]))
  }

  /// A node with the system channel and a tracked channel.
  private func withTracking(_ body: (Registrar) async throws -> Void) async throws {
    try await fixture.withNode(boot: SystemChannelFixture.systemChannel().blocks[0]) {
      try await create(fixture.ours, on: $0)
      try await body($0)
    }
  }

  private func channel(_ registrar: Registrar) throws -> Channel {
    guard case .channel(let channel)? = registrar.lookUp(name) else {
      throw RegistrarError("it is not there")
    }
    return channel
  }

  @Test func aChannelThatOthersOrderTakesNothingAndIsRead() async throws {
    fixture.orderers.set([fixture.ours.blocks[0]], of: name)
    try await withTracking { registrar in
      #expect(try registrar.participation(in: name) == "config-tracker/inactive 1")
      let channel = try channel(registrar)
      let refusal = ChainError.inactive(reason: "channel ours is not serviced by me")
      await #expect(throws: refusal) { try await channel.waitReady() }
      #expect("\(refusal)" == "channel ours is not serviced by me")
      #expect(await channel.order([]) == .all(.refused(refusal)))
      #expect(channel.tip.error == "channel ours is not serviced by me")
      #expect(channel.problem == nil)
      let message = try Messages.message(name, TestIdentity.admin(), size: 5000)
      #expect(try registrar.broadcastChannel(for: message) === channel)
      let blocks = try await channel.blocks(from: 0, count: 9, bytes: 1 << 20, contentType: .block)
      #expect(blocks.count == 1)
      #expect(registrar.channelNames == ChannelNames(system: "system", channels: [name]))
    }
    try await fixture.withNode { registrar in
      let participation = try registrar.participation(in: name)
      #expect(participation == "config-tracker/inactive 1")
      #expect(registrar.channels().count == 2)
    }
  }

  @Test func aChannelThatComesToNameTheNodeIsPulledAndOrdered() async throws {
    fixture.orderers.refuse(name, .forbidden)
    try await withTracking { registrar in
      let asked = fixture.orderers.asked.count
      let tracked = try channel(registrar)
      await fixture.time.pass { fixture.orderers.asked.count > asked }
      #expect(try registrar.participation(in: name) == "config-tracker/inactive 1")
      fixture.orderers.set(Array(fixture.ours.blocks.prefix(2)), of: name)
      let again = fixture.orderers.asked.count
      await fixture.time.pass { fixture.orderers.asked.count > again }
      #expect(try registrar.participation(in: name) == "config-tracker/inactive 1")
      fixture.orderers.set(fixture.ours.blocks, of: name)
      try await fixture.time.pass { try registrar.participation(in: name) == "other/active 4" }
      #expect(tracked.tip.failure != nil)
      try await channel(registrar).waitReady()
      #expect(try channel(registrar).bundle.sequence == 1)
    }
    try await fixture.withNode { registrar in
      let participation = try registrar.participation(in: name)
      #expect(participation == "other/active 4")
    }
    #expect(fixture.orderers.openConnections == 0)
  }

  @Test func whoCallsTheNodeAConsenterWithoutAProofIsNotBelieved() async throws {
    // The block that names the node is signed by nobody.
    var blocks = fixture.ours.blocks
    blocks[2].metadata[0] = []
    fixture.orderers.set(blocks, of: name)
    try await withTracking { registrar in
      let asked = fixture.orderers.asked.count
      await fixture.time.pass { fixture.orderers.asked.count > asked + 3 }
      let info = try registrar.info(of: name)
      #expect(info.participation.relation == .configTracker)
    }
  }

  @Test func aNodeThatIsRemovedTracksAndMayComeBack() async throws {
    var chain = try MadeChain(name) {
      try $0.editBatchSize { $0.maxMessageCount = TestCluster.consentersMessageCount }
    }
    fixture.orderers.set(chain.blocks, of: name)
    let boot = try SystemChannelFixture.systemChannel().blocks[0]
    try await fixture.withNode(boot: boot) { registrar in
      try await create(chain, on: registrar)
      #expect(try registrar.participation(in: name) == "other/active 1")
      try chain.configure(maxMessageCount: 5)
      let support = try #require(fixture.cluster.support(of: name))
      let configured = try AssembledBlock(
        verifying: chain.blocks[1].header, data: chain.blocks[1].data)
      try await support.append(made: [MadeBlock(configured, consenterMetadata: [])])
      support.ceaseOrdering(reason: "evicted")
      try await eventually {
        try registrar.participation(in: name) == "config-tracker/inactive 2"
      }
      #expect(fixture.cluster.removed == [name])
      try chain.configure(maxMessageCount: TestCluster.consentersMessageCount)
      fixture.orderers.set(chain.blocks, of: name)
      try await fixture.time.pass { try registrar.participation(in: name) == "other/active 3" }
    }
  }

  @Test func aKafkaChannelThatOthersHaveMovedToRaftIsPulledAndOrdered() async throws {
    var kafka = try MadeChain(name) { try $0.editConsensus { $0.type = "kafka" } }
    try await fixture.write([
      (SystemChannelFixture.name, [try SystemChannelFixture.systemChannel().blocks[0]]),
      (name, kafka.blocks),
    ])
    fixture.orderers.set(kafka.blocks, of: name)
    try await fixture.withNode(kafka: TestCluster()) { registrar in
      // It is not there any more for the others alone.
      #expect(try registrar.participation(in: name) == "other/active 1")
      let asked = fixture.orderers.asked.count
      await fixture.time.pass { fixture.orderers.asked.count > asked }
      let old = try channel(registrar)
      try kafka.configure { try $0.editConsensus { $0.state = .maintenance } }
      try kafka.configure {
        try $0.editConsensus { $0.type = "etcdraft" }
      }
      try kafka.configure(maxMessageCount: TestCluster.consentersMessageCount)
      fixture.orderers.set(kafka.blocks, of: name)
      try await fixture.time.pass { try registrar.participation(in: name) == "other/active 4" }
      #expect(try channel(registrar) !== old)
      #expect(try channel(registrar).bundle.orderer?.consensusType == "etcdraft")
    }
  }
}
