// A channel that goes on with fewer voters than consenters, after its majority was lost for good.

import BlockLedger
import Blocks
import FabricProtos
import Ordering
import RaftCore
import RaftLog
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(.sockets, .serialized) struct RecoveryTests {
  /// Gives a stopped node's log other voters, as `orderer raft recover` does.
  private func recover(_ number: Int, voters: [NodeID], in cluster: ClusterFixture) throws {
    let node = try cluster.node(number)
    let location = RaftStorage.Location(
      channelID: "raftchannel", logFolder: "\(node.fixture.folder)/wal/raftchannel",
      snapshotFolder: "\(node.fixture.folder)/snapshot/raftchannel")
    let newest = try node.channel.block(node.channel.height - 1)
    let metadata = try RaftBlockMetadata(serialized: newest.consenterMetadata())
    let index = metadata.raftIndex
    let storage = try RaftStorage(location, logger: node.fixture.log.logger)
    let term = try #require(storage.term(of: index))
    let rest = try storage.entries(
      from: index + 1, to: storage.lastIndex + 1, maximumBytes: .max)
    let hardState = storage.found.hardState
    try storage.close()
    let snapshot = Snapshot(
      index: index, term: term,
      members: MembershipState(
        voters: voters, learners: metadata.consenterIDs.filter { !voters.contains($0) }),
      data: EntryBlock.serialized(newest)[...])
    _ = try LogReplacement(location).replace(
      by: snapshot, rest, HardState(term: hardState.term + 1, vote: 0, commit: index))
  }

  /// Three nodes with a block, all stopped.
  private func stopped(_ cluster: ClusterFixture) async throws {
    try await cluster.submit("before", by: 1)
    try await cluster.wait(height: 2)
    for node in 1...3 { try await cluster.stop(node) }
  }

  private func update(_ cluster: ClusterFixture, to nodes: [Int], by node: Int) async throws {
    let node = try cluster.node(node)
    try await node.chain.submit(node.channel.configMessage(raftConfig(nodes)))
  }

  private func applied(_ text: String, by number: Int, in cluster: ClusterFixture) async throws {
    try await eventually { try cluster.node(number).fixture.log.text.contains(text) }
  }

  @Test func theOnlySurvivorOrdersRemovesTheDeadAndTakesInNewOnes() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      try await stopped(cluster)
      cluster.network.isolate(2, 3)
      try recover(1, voters: [1], in: cluster)
      try cluster.restart(1)
      try await cluster.submit("after", by: 1)
      try await cluster.wait(height: 3, on: [1])
      try await applied("Consenters [2, 3] were given up", by: 1, in: cluster)

      try await update(cluster, to: [1, 2], by: 1)
      try await applied(
        "Applied config change to remove node 3, current nodes in channel: [1]", by: 1, in: cluster)
      // The newest block is a configuration, and members without a vote are left.
      try await cluster.stop(1)
      try cluster.restart(1)
      try await cluster.submit("in between", sequence: 1, by: 1)
      try await cluster.wait(height: 5, on: [1])
      try await update(cluster, to: [1], by: 1)
      try await applied(
        "Applied config change to remove node 2, current nodes in channel: [1]", by: 1, in: cluster)

      try await update(cluster, to: [1, 4], by: 1)
      try await cluster.wait(height: 7, on: [1])
      try cluster.start(
        4, on: try await TestChannel.ledger(copying: cluster.node(1).channel.allBlocks()))
      try await cluster.submit("by the new one", sequence: 3, by: 4)
      try await cluster.wait(height: 8, on: [1, 4])
      try cluster.checkEqual()
      let last = try #require(try cluster.node(4).channel.metadata().last)
      #expect(last.consenterIDs == [1, 4])
      #expect(last.nextConsenterID == 5)
    }
  }

  @Test func aSurvivorOnItsOldLogIsNotDisturbedAndDisturbsNobody() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      try await stopped(cluster)
      cluster.network.isolate(3)
      try recover(1, voters: [1], in: cluster)
      try cluster.restart(1)
      try cluster.restart(2)
      try await cluster.submit("after", by: 1)
      try await cluster.wait(height: 3, on: [1])
      try await update(cluster, to: [1, 3], by: 1)
      try await applied(
        "Applied config change to remove node 2, current nodes in channel: [1]", by: 1, in: cluster)
      // It asks others, since it hears of no leader.
      try await eventually { try cluster.node(2).channel.now.ceased != nil }
      #expect(try cluster.node(2).channel.now.failure == nil)
      #expect(try cluster.node(2).channel.height == 2)
      try await cluster.submit("alone", sequence: 1, by: 1)
      try await cluster.wait(height: 5, on: [1])
      try cluster.checkEqual()
    }
  }

  @Test func someSurvivorsGoOnTogether() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      try await stopped(cluster)
      cluster.network.isolate(3)
      for node in [1, 2] { try recover(node, voters: [1, 2], in: cluster) }
      for node in [1, 2] { try cluster.restart(node) }
      try await cluster.submit("1", by: 1)
      try await cluster.submit("2", by: 2)
      try await cluster.wait(height: 4, on: [1, 2])
      try cluster.checkEqual()
      // Both have to agree.
      let chain = try cluster.node(1).chain
      let standing = chain.attendance.withLock { $0.standing(at: .now) }
      #expect(standing.voters == [1, 2])
      try await update(cluster, to: [1, 2], by: 1)
      try await applied(
        "Applied config change to remove node 3, current nodes in channel: [1, 2]", by: 2,
        in: cluster)
    }
  }
}
