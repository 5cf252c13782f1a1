// How nodes come and go: consenters that an update adds, removes or gives another certificate.

import BlockLedger
import Blocks
import Concurrency
import FabricProtos
import Ordering
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(.sockets, .serialized) struct ReconfigurationTests {
  /// Hands an update of the consenters to a node.
  private func update(_ cluster: ClusterFixture, to nodes: [Int], by node: Int) async throws {
    let node = try cluster.node(node)
    try await node.chain.submit(node.channel.configMessage(raftConfig(nodes)))
  }

  /// A ledger with the blocks that a node has.
  private func copy(of node: Int, _ cluster: ClusterFixture) async throws -> any BlockStore {
    try await TestChannel.ledger(copying: cluster.node(node).channel.allBlocks())
  }

  @Test func aNodeIsAddedJoinsAndIsRemoved() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let follower = try await cluster.follower()
      try await cluster.submit("before", by: follower)
      try await cluster.wait(height: 2)
      try await update(cluster, to: [1, 2, 3, 4], by: follower)
      try await cluster.wait(height: 3)
      try cluster.start(4, on: try await copy(of: 1, cluster))
      try await cluster.submit("by the new one", sequence: 1, by: 4)
      try await cluster.wait(height: 4)
      try cluster.checkEqual()
      #expect(try cluster.node(4).channel.metadata().last?.consenterIDs == [1, 2, 3, 4])
      #expect(
        try cluster.node(4).fixture.log.text.contains(
          "Starting raft node to join an existing channel"))

      try await update(cluster, to: [1, 2, 3], by: 4)
      try await eventually { try cluster.node(4).channel.now.ceased != nil }
      try await cluster.submit("after", sequence: 2, by: 1)
      try await cluster.wait(height: 6, on: [1, 2, 3])
      try cluster.checkEqual()
      #expect(try cluster.node(1).channel.metadata().last?.consenterIDs == [1, 2, 3])
      #expect(try cluster.node(1).channel.metadata().last?.nextConsenterID == 5)
    }
  }

  @Test func aLeaderThatAnUpdateRemovesGivesWayFirst() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let leader = try await cluster.leader()
      let rest = cluster.others(than: leader)
      try await update(cluster, to: rest, by: leader)
      try await cluster.wait(height: 2)
      try await eventually { try cluster.node(leader).channel.now.ceased != nil }
      try await cluster.submit("after", sequence: 1, by: rest[0])
      try await cluster.wait(height: 3, on: rest)
      try cluster.checkEqual()
      #expect(try await cluster.leader() != leader)
      let log = try cluster.node(leader).fixture.log
      #expect(log.text.contains("Transferring leadership to node"))
      #expect(
        try cluster.node(rest[0]).channel.metadata().last?.consenterIDs == rest.map(UInt64.init))
    }
  }

  @Test func aLeaderWhoseCertificateIsRotatedGivesWayAndKeepsItsID() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let leader = try await cluster.leader()
      let follower = try await cluster.follower()
      let next = [1, 2, 3].map { $0 == leader ? 4 : $0 }
      try await update(cluster, to: next, by: follower)
      try await cluster.wait(height: 2)
      try await eventually { try await cluster.leader() != leader }
      // The node goes on with its new certificate and its old log.
      try await cluster.stop(leader)
      let old = try cluster.node(leader)
      let fixture = try old.fixture.crashed(node: 4, port: cluster.network.port(of: 4))
      try cluster.start(4, fixture, old.channel.store)
      try await cluster.submit("rotated", sequence: 1, by: 4)
      let rest = cluster.others(than: leader) + [4]
      try await cluster.wait(height: 3, on: rest)
      #expect(try cluster.node(4).chain.id == UInt64(leader))
      #expect(try cluster.node(4).channel.metadata().last?.consenterIDs == [1, 2, 3])
      try cluster.checkEqual()
    }
  }

  @Test func aNodeThatWasRemovedWhileItWasCutOffFindsOut() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let leader = try await cluster.leader()
      let gone = try await cluster.follower()
      cluster.network.isolate(gone)
      let rest = cluster.others(than: gone)
      try await update(cluster, to: rest, by: leader)
      try await cluster.wait(height: 2, on: rest)
      try await cluster.submit("after", sequence: 1, by: leader)
      try await cluster.wait(height: 3, on: rest)
      cluster.network.heal()
      try await eventually { try cluster.node(gone).channel.now.ceased != nil }
      #expect(
        try cluster.node(gone).fixture.log.text.contains(
          "Detected our own eviction from the channel in block [1]"))
    }
  }

  @Test func aNodeThatWasRemovedAndAddedAgainGoesOnUnderItsNewID() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let leader = try await cluster.leader()
      let gone = try await cluster.follower()
      try await cluster.stop(gone)
      let rest = cluster.others(than: gone)
      try await update(cluster, to: rest, by: leader)
      try await cluster.wait(height: 2, on: rest)
      try await update(cluster, to: rest + [gone], by: leader)
      try await cluster.wait(height: 3, on: rest)
      // It has followed the channel meanwhile.
      let fixture = try cluster.node(gone).fixture
      try cluster.start(gone, fixture, try await copy(of: leader, cluster))
      try await cluster.submit("again", sequence: 2, by: gone)
      try await cluster.wait(height: 4)
      try cluster.checkEqual()
      #expect(try cluster.node(gone).chain.id == 4)
    }
  }
}
