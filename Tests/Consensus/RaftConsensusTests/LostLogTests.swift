// Nodes that come back with less than they had, or with other blocks than the rest: they never break their word, and never
// write a wrong block.

import BlockLedger
import Blocks
import Concurrency
import FabricProtos
import Foundation
import Ordering
import ProcessingFixtures
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(.sockets, .serialized) struct LostLogTests {
  private func update(_ cluster: ClusterFixture, to nodes: [Int], by node: Int) async throws {
    let node = try cluster.node(node)
    try await node.chain.submit(node.channel.configMessage(raftConfig(nodes)))
  }

  /// Three nodes with a block each knows.
  private func with(_ body: (ClusterFixture) async throws -> Void) async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      try await cluster.submit("1", "2", by: 1)
      try await cluster.wait(height: 3)
      try await body(cluster)
    }
  }

  /// What node 3 has on its disk now.
  private func backup(_ cluster: ClusterFixture) async throws -> (
    fixture: ChainFixture, store: any BlockStore
  ) {
    let node = try cluster.node(3)
    let store = try await TestChannel.ledger(copying: node.channel.allBlocks())
    return (try node.fixture.crashed(), store)
  }

  /// Messages go through the others; node 3 gets their blocks.
  private func followsOthers(_ cluster: ClusterFixture, _ texts: String...) async throws {
    for text in texts { try await cluster.submit(text, by: 1) }
    let height = try cluster.node(1).channel.height
    try await cluster.wait(height: UInt64(3 + texts.count), on: [1, 2])
    try await eventually {
      let (own, others) = (try cluster.node(3).channel, try cluster.node(1).channel)
      return own.height >= height && own.height == others.height
    }
    try cluster.checkEqual()
  }

  @Test func aNodeWithoutItsLogFollowsUntilItIsRemoved() async throws {
    try await with { cluster in
      try await cluster.stop(3)
      let old = try cluster.node(3)
      try FileManager.default.removeItem(atPath: "\(old.fixture.folder)/wal")
      let fixture = try ChainFixture(
        folder: old.fixture.folder, node: 3, port: cluster.network.port(of: 3),
        identity: TestIdentity.ordererNode().serializedIdentity)
      try cluster.start(3, fixture, old.channel.store)
      try await eventually { try cluster.node(3).channel.now.trouble?.contains("is gone") == true }
      try await followsOthers(cluster, "3", "4")
      let three = try cluster.node(3)
      #expect(three.channel.now.failure == nil)
      #expect(three.chain.participation.status == .failed)
      #expect(await three.chain.healthProblem() == nil)
      await #expect(throws: ChainError.self) { try await three.chain.submit("5") }

      try await update(cluster, to: [1, 2], by: 1)
      try await eventually { try cluster.node(3).channel.now.ceased != nil }
      #expect(try cluster.node(3).channel.now.ceased?.contains("block 5 removes this node") == true)
      // Blocks behind that one are for whatever the node is then.
      try await cluster.submit("6", sequence: 1, by: 1)
      try await cluster.wait(height: 7, on: [1, 2])
      #expect(try cluster.node(3).channel.height == 6)
    }
  }

  @Test func anOldLogUnderANewLedgerFollows() async throws {
    try await with { cluster in
      try await cluster.stop(3)
      let (old, _) = try await backup(cluster)
      try cluster.restart(3)
      try await cluster.submit("3", "4", by: 1)
      try await cluster.wait(height: 5)
      try await cluster.stop(3)
      try cluster.start(3, old, try cluster.node(3).channel.store)
      try await eventually {
        try cluster.node(3).channel.now.trouble?.contains("its end is lost") == true
      }
      try await cluster.submit("5", by: 1)
      try await cluster.wait(height: 6)
      try cluster.checkEqual()
    }
  }

  @Test func anOldLedgerUnderANewLogCatchesUp() async throws {
    try await with { cluster in
      let (_, store) = try await backup(cluster)
      try await cluster.submit("3", "4", by: 1)
      try await cluster.wait(height: 5)
      try await cluster.stop(3)
      try cluster.start(3, try cluster.node(3).fixture, store)
      try await cluster.submit("5", by: 3)
      try await cluster.wait(height: 6)
      try cluster.checkEqual()
      #expect(try cluster.node(3).channel.now.trouble == nil)
    }
  }

  @Test func anOldLogAndAnOldLedgerGetTheBlocksInOneWayOrTheOther() async throws {
    try await with { cluster in
      try await cluster.stop(3)
      let (fixture, store) = try await backup(cluster)
      try cluster.restart(3)
      try await cluster.submit("3", "4", by: 1)
      try await cluster.wait(height: 5)
      try await cluster.stop(3)
      try cluster.start(3, fixture, store)
      try await cluster.submit("5", by: 1)
      try await cluster.wait(height: 6)
      try cluster.checkEqual()
    }
  }

  @Test func aForkedChainHaltsWithBothHashes() async throws {
    try await with { cluster in
      try await cluster.stop(3)
      let old = try cluster.node(3)
      // Its newest block is another one.
      let blocks = try old.channel.allBlocks()
      let store = try await TestChannel.ledger(copying: blocks.dropLast())
      let last = try #require(blocks.last)
      let other = AssembledBlock(
        number: last.header.number, previousHash: last.header.previousHash,
        data: try #require(blocks.dropFirst().first).data)
      try await store.append(SealedBlock(other, metadata: last.metadata))
      try FileManager.default.removeItem(atPath: "\(old.fixture.folder)/wal")
      let fixture = try ChainFixture(
        folder: old.fixture.folder, node: 3, port: cluster.network.port(of: 3),
        identity: TestIdentity.ordererNode().serializedIdentity)
      try cluster.start(3, fixture, store)
      try await cluster.submit("3", by: 1)
      try await cluster.wait(height: 4, on: [1, 2])
      let reason = try await cluster.node(3).channel.failure()
      #expect(reason.contains("the ledger has 3 blocks, the newest with the hash"))
      #expect(reason.contains("orderer ledger info raftchannel"))
      #expect(reason.contains("orderer raft recover raftchannel"))
      #expect(try cluster.node(3).channel.height == 3)
    }
  }
}
