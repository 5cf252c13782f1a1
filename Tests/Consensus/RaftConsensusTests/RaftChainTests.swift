// A channel with one consenter: what it writes, how it goes on after a stop or a crash, and when it does not.

import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Ordering
import ProcessingFixtures
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(.serialized) struct RaftChainTests {
  @Test func aNewChannelElectsItsOnlyConsenterAtOnceAndOrders() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      #expect(chain.participation == ParticipationStatus(relation: .consenter, status: .active))
      try await chain.submit("a", "b", "c")
      await channel.wait(height: 4)
      #expect(try channel.contents() == [["a"], ["b"], ["c"]])
      // As with Go: entry 1 adds the consenter, entry 2 is the leader's own.
      #expect(
        try channel.metadata()
          == [3, 4, 5].map {
            RaftBlockMetadata(consenterIDs: [1], nextConsenterID: 2, raftIndex: $0)
          })
      #expect(channel.now.trouble == nil)
      try await chain.waitReady()
      #expect(await chain.healthProblem() == nil)
      await chain.halt()
      #expect(chain.participation.status == .inactive)
      await #expect(throws: ChainError.halted(channelID: "raftchannel")) {
        try await chain.submit("d")
      }
      for line in [
        "Starting Raft node", "Starting raft node as part of a new channel",
        "This node is picked to start campaign", "Raft leader changed: 0 -> 1",
        "1 became leader at term 2", "Start accepting requests as Raft leader at block [0]",
        "Created block [1], there are 0 blocks in flight",
        "Writing block [3] (Raft index: 5) to ledger", "Raft node stopped",
      ] {
        #expect(fixture.log.text.contains("info \(line)"), "\(line)")
      }
    }
  }

  @Test func batchesAreCutByCountAndByTime() async throws {
    try await ChainFixture.withChannel(batch: 3) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit(["1", "2", "3", "4"])
      await channel.wait(height: 2)
      #expect(try channel.contents() == [["1", "2", "3"]])
      await fixture.time.waitForSleepers(1)
      fixture.time.advance(by: .seconds(3600))
      await channel.wait(height: 3)
      #expect(try channel.contents() == [["1", "2", "3"], ["4"]])
      await chain.halt()
    }
  }

  @Test func anOrderlyHaltWritesWhatWasTaken() async throws {
    try await ChainFixture.withChannel(batch: 1_000) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit((0..<10).map(String.init))
      await chain.halt()
      #expect(try channel.contents() == [(0..<10).map(String.init)])
    }
  }

  @Test func aRestartedChannelGoesOnWithItsChainUnchanged() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      var (channel, chain) = (channel, try fixture.start(channel))
      for round in 0..<4 {
        try await chain.submit("\(round)a", "\(round)b")
        await chain.halt()
        let before = try channel.blocks()
        #expect(before.count == 2 * round + 2)
        (channel, chain) = try fixture.restart(channel)
        try await chain.waitReady()
        #expect(try channel.blocks() == before)
      }
      await chain.halt()
      let indexes = try channel.metadata().map(\.raftIndex)
      #expect(indexes == [3, 4, 6, 7, 9, 10, 12, 13])
      #expect(fixture.log.text.contains("info Restarting raft node"))
    }
  }

  @Test func whatWasShownIsThereAfterACrashAtAnyTime() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      for round in 0..<20 {
        try await chain.submit((0..<20).map { "\(round)-\($0)" })
        // The ledger of the crashed node is as it was at this moment or a little later.
        let crashed = try fixture.crashed()
        let shown = try channel.allBlocks()
        let store = try await TestChannel.ledger(copying: shown)
        let again = try TestChannel(store, time: crashed.time)
        // The copy of the log may be older than the copy of the ledger, which no crash brings about.
        let revived = try crashed.start(again)
        do {
          try await revived.waitReady()
          try await revived.submit("after")
          await revived.halt()
          let contents = try again.contents()
          #expect(Array(try again.blocks().prefix(shown.count - 1)) == Array(shown.dropFirst()))
          #expect(contents.last == ["after"])
          let expected = (0...round).flatMap { round in (0..<20).map { "\(round)-\($0)" } }
          #expect(contents.dropLast().map { $0[0] } == Array(expected.prefix(contents.count - 1)))
        } catch {
          #expect(await again.failure().contains("its end is lost"), "\(error)")
        }
        await crashed.remove()
      }
      await chain.halt()
    }
  }

  @Test func blocksThatTheLedgerLostAreWrittenAgainWithTheSameBytes() async throws {
    try await ChainFixture.withChannel(batch: 2) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit((0..<20).map(String.init))
      try await chain.submit(
        channel.configMessage { try $0.editBatchSize { $0.maxMessageCount = 1 } })
      try await chain.submit("x", "y", sequence: 1)
      await chain.halt()
      let all = try channel.allBlocks()
      for kept in 1...all.count {
        let crashed = try fixture.crashed()
        let store = try await TestChannel.ledger(copying: all.prefix(kept))
        let again = try TestChannel(store, time: crashed.time)
        let revived = try crashed.start(again)
        try await revived.waitReady()
        await revived.halt()
        #expect(again.now.failure == nil)
        let blocks = try again.blocks()
        #expect(blocks.map(\.header) == all.dropFirst().map(\.header))
        #expect(blocks.map(\.data) == all.dropFirst().map(\.data))
        #expect(
          blocks.map { $0.signatures?.value } == all.dropFirst().map { $0.signatures?.value })
        await crashed.remove()
      }
    }
  }

  @Test func blocksShareSynchronizationsOfTheLedger() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.waitReady()
      channel.state.change { $0.isBlocked = true }
      try await chain.submit((0..<100).map(String.init))
      channel.state.change { $0.isBlocked = false }
      await channel.wait(height: 101)
      await chain.halt()
      #expect(try channel.contents().map { $0[0] } == (0..<100).map(String.init))
      #expect(channel.now.groups.reduce(0, +) == 100)
      #expect(channel.now.groups.allSatisfy { $0 <= GroupCommit.maximumCount })
      #expect(channel.now.groups.count <= 20)
    }
  }

  // MARK: Snapshots

  @Test func snapshotsAreTakenBySizeAndAreStartedFrom() async throws {
    try await ChainFixture.withChannel(snapshotInterval: 1) { fixture, channel in
      let chain = try fixture.start(channel)
      for number in 1...12 {
        try await chain.submit("\(number)")
        await channel.wait(height: UInt64(number) + 1)
      }
      try await eventually {
        fixture.log.text.contains("taking snapshot at block [12] (index: 14)")
          && fixture.log.text.contains("Snapshot is taken at index 14")
      }
      await chain.halt()
      let snapshots = try FileManager.default.contentsOfDirectory(
        atPath: "\(fixture.folder)/snapshot/raftchannel")
      #expect(snapshots.count == 4)
      #expect(snapshots.sorted().last == "0000000000000002-000000000000000e.snap")
      let (again, revived) = try fixture.restart(channel)
      try await revived.submit("last")
      await revived.halt()
      #expect(try again.contents().last == ["last"])
      #expect(try again.metadata().last?.raftIndex == 16)
    }
  }
}
