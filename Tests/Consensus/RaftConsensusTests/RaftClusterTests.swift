// Several nodes that order one channel: what they agree on, whoever is asked, whoever leads, and whatever is lost.

import Blocks
import Concurrency
import FabricProtos
import Ordering
import ProcessingFixtures
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(.sockets, .serialized) struct RaftClusterTests {
  @Test func threeNodesWriteTheSameBlocksWhoeverIsAsked() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      for node in 1...3 {
        try await cluster.submit("\(node)a", "\(node)b", by: node)
      }
      try await cluster.wait(height: 7)
      try cluster.checkEqual()
      let texts = try cluster.texts(on: 1)
      #expect(texts.sorted() == ["1a", "1b", "2a", "2b", "3a", "3b"])
      for node in 1...3 {
        #expect(texts.filter { $0.hasPrefix("\(node)") } == ["\(node)a", "\(node)b"])
        #expect(try cluster.node(node).channel.now.trouble == nil)
      }
      let metadata = try cluster.node(2).channel.metadata()
      #expect(metadata.allSatisfy { $0.consenterIDs == [1, 2, 3] && $0.nextConsenterID == 4 })
      #expect(zip(metadata, metadata.dropFirst()).allSatisfy { $0.raftIndex < $1.raftIndex })
    }
  }

  @Test func anotherNodeTakesOverWithAllThatWasAcknowledged() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let leader = try await cluster.leader()
      try await cluster.submit("first", by: leader)
      try await cluster.wait(height: 2)
      cluster.network.isolate(leader)
      // The others still take it for the leader.
      let follower = try await cluster.follower()
      try await cluster.submit("1", "2", "3", by: follower)
      let rest = cluster.others(than: leader)
      try await cluster.wait(height: 5, on: rest)
      cluster.network.heal()
      try await cluster.wait(height: 5)
      try cluster.checkEqual()
      #expect(try cluster.texts(on: leader) == ["first", "1", "2", "3"])
    }
  }

  @Test func whatIsHandedOnTwiceSinceAStreamBrokeIsInOneBlock() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let follower = try await cluster.follower()
      try await cluster.submit("first", by: follower)
      cluster.network.breakStreams(3)
      // What one burst takes breaks one stream, so more may be needed than these.
      var pairs = 0
      while pairs < 5 || cluster.network.breaksLeft > 0 {
        try await cluster.submit("\(pairs)a", "\(pairs)b", by: follower)
        if pairs >= 5 {
          try await eventually { try cluster.texts(on: follower).last == "\(pairs)b" }
        }
        pairs += 1
      }
      try await cluster.submit("last", by: follower)
      try await cluster.wait(height: UInt64(2 * pairs + 3))
      try await eventually { try cluster.texts(on: follower).last == "last" }
      let expected = ["first"] + (0..<pairs).flatMap { ["\($0)a", "\($0)b"] } + ["last"]
      #expect(try cluster.texts(on: follower) == expected)
    }
  }

  @Test func whatALeaderTookFromItsOwnClientsGoesToTheNextOne() async throws {
    try await ClusterFixture.with([1, 2, 3], batch: 2) { cluster in
      let leader = try await cluster.leader()
      cluster.network.isolate(leader)
      let messages = (0..<7).map(String.init)
      try await cluster.submit(messages, by: leader)
      let follower = try await cluster.follower()
      try await eventually { try cluster.node(follower).chain.state.read { !$0.isLeading } }
      try await eventually { try await cluster.leader() != leader }
      cluster.network.heal()
      try await cluster.wait(height: 5)
      try cluster.checkEqual()
      #expect(try cluster.texts(on: leader) == messages)
    }
  }

  @Test func aStoppedLeaderGivesWayAndLosesNothing() async throws {
    try await ClusterFixture.with([1, 2, 3], batch: 10) { cluster in
      let leader = try await cluster.leader()
      let messages = (0..<25).map(String.init)
      try await cluster.submit(messages, by: leader)
      try await cluster.stop(leader)
      let log = try cluster.node(leader).fixture.log
      #expect(log.text.contains("Transferring leadership to node"))
      #expect(try cluster.texts(on: leader) == messages)
      let rest = cluster.others(than: leader)
      try await cluster.submit((0..<10).map { "after \($0)" }, by: rest[0])
      try await cluster.wait(height: 5, on: rest)
      try cluster.restart(leader)
      try await cluster.wait(height: 5)
      try cluster.checkEqual()
    }
  }

  @Test func aNodeThatIsAboutToStopLetsAnotherOneLeadAndGoesOnTakingMessages() async throws {
    try await ClusterFixture.with([1, 2, 3], batch: 10) { cluster in
      let leader = try await cluster.leader()
      try await cluster.submit("1", "2", by: leader)
      try await cluster.node(leader).fixture.consenter.giveWay()
      try await eventually { try await cluster.leader() != leader }
      try await cluster.submit((0..<20).map { "more \($0)" }, by: leader)
      try await cluster.stop(leader)
      let rest = cluster.others(than: leader)
      try await cluster.wait(height: 4, on: rest)
      let texts = try cluster.texts(on: rest[0])
      #expect(texts == ["1", "2"] + (0..<20).map { "more \($0)" })
      try cluster.checkEqual()
    }
  }

  @Test func aLeaderWhoseDiskIsFullLetsAnotherOneMakeBlocks() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let leader = try await cluster.leader()
      try cluster.node(leader).chain.obstruct("the disk is full")
      try await eventually { try await cluster.leader() != leader }
      let rest = cluster.others(than: leader)
      try await cluster.submit("1", by: rest[0])
      try await cluster.wait(height: 2)
      #expect(
        try cluster.node(leader).fixture.log.text.contains(
          "Leadership is handed on, since the disk is full"))
      try cluster.node(leader).chain.obstruct(nil)
      try await cluster.submit("2", by: leader)
      try await cluster.wait(height: 3)
      try cluster.checkEqual()
    }
  }

  @Test func aNodeThatLagsBehindGetsASnapshotAndPullsItsBlocks() async throws {
    try await ClusterFixture.with([1, 2, 3], snapshotInterval: 1) { cluster in
      let leader = try await cluster.leader()
      let late = try await cluster.follower()
      try await cluster.stop(late)
      let rest = cluster.others(than: late)
      for number in 0..<20 {
        try await cluster.submit("\(number)", by: leader)
        try await cluster.wait(height: UInt64(number) + 2, on: rest)
      }
      try cluster.restart(late)
      try await cluster.wait(height: 21)
      #expect(cluster.network.snapshots > 0)
      let log = try cluster.node(late).fixture.log
      #expect(log.text.contains("Catching up with snapshot taken at block ["))
      try await eventually {
        log.text.contains("Finished syncing with cluster up to and including block [")
      }
      try await cluster.submit("after", by: late)
      try await cluster.wait(height: 22)
      try cluster.checkEqual()
      #expect(try cluster.texts(on: late).last == "after")
    }
  }

  @Test func withoutAMajorityClientsAreSentAwayAndReadersServed() async throws {
    try await ClusterFixture.with([1, 2, 3]) { cluster in
      let leader = try await cluster.leader()
      cluster.network.isolate(leader)
      try await eventually {
        try cluster.node(leader).chain.state.read { !$0.isLeading }
      }
      await #expect(
        throws: ChainError.unavailable(channelID: "raftchannel", reason: "no Raft leader")
      ) { try await cluster.node(leader).chain.submit("1") }
      #expect(try cluster.node(leader).channel.now.trouble == "no Raft leader")
      #expect(try cluster.node(leader).channel.now.failure == nil)
      cluster.network.heal()
      try await cluster.submit("2", by: leader)
      try await cluster.wait(height: 2)
      try cluster.checkEqual()
    }
  }
}
