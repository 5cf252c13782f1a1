// A channel with one consenter: what it writes, how it goes on after a stop or a crash, and when it does not.

import BlockLedger
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
  /// Runs a test with a fixture and a channel of node 1, whose batches have this many messages.
  private func withChannel(
    batch: UInt32 = 1, snapshotInterval: UInt32 = 16 << 20,
    _ body: (ChainFixture, TestChannel) async throws -> Void
  ) async throws {
    let fixture = try ChainFixture()
    let metadata = try raftConfig([1]) { $0.options.snapshotIntervalSize = snapshotInterval }
    let store = try await TestChannel.ledger(metadata) {
      try $0.editBatchSize { $0.maxMessageCount = batch }
    }
    do {
      try await body(fixture, TestChannel(store, time: fixture.time))
    } catch {
      await fixture.remove()
      throw error
    }
    await fixture.remove()
  }

  private func expectNoLeader(_ chain: RaftChain) async {
    await #expect(
      throws: ChainError.unavailable(channelID: "raftchannel", reason: "no Raft leader")
    ) { try await chain.submit("1") }
  }

  @Test func aNewChannelElectsItsOnlyConsenterAtOnceAndOrders() async throws {
    try await withChannel { fixture, channel in
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
    try await withChannel(batch: 3) { fixture, channel in
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
    try await withChannel(batch: 1_000) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit((0..<10).map(String.init))
      await chain.halt()
      #expect(try channel.contents() == [(0..<10).map(String.init)])
    }
  }

  @Test func aRestartedChannelGoesOnWithItsChainUnchanged() async throws {
    try await withChannel { fixture, channel in
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
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      for round in 0..<20 {
        try await chain.submit((0..<20).map { "\(round)-\($0)" })
        // The ledger of the crashed node is as it was at this moment or a little later.
        let crashed = try fixture.crashed()
        let height = channel.store.height
        let shown = try (0..<height).map { try channel.store.block($0) }
        let store = try await RAMLedgerFactory(historySize: 10_000).openOrCreate("raftchannel")
        for block in shown { try await store.append(block) }
        let again = try TestChannel(store, time: crashed.time)
        // The copy of the log may be older than the copy of the ledger, which no crash brings about.
        let revived = try crashed.start(again)
        do {
          try await revived.waitReady()
          try await revived.submit("after")
          await revived.halt()
          let contents = try again.contents()
          #expect(Array(try again.blocks().prefix(Int(height) - 1)) == Array(shown.dropFirst()))
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
    try await withChannel(batch: 2) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit((0..<20).map(String.init))
      try await chain.submit(
        channel.configMessage { try $0.editBatchSize { $0.maxMessageCount = 1 } })
      try await chain.submit("x", "y", sequence: 1)
      await chain.halt()
      let all = try (0..<channel.store.height).map { try channel.store.block($0) }
      for kept in 1...all.count {
        let crashed = try fixture.crashed()
        let store = try await RAMLedgerFactory(historySize: 100).openOrCreate("raftchannel")
        for block in all.prefix(kept) { try await store.append(block) }
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
    try await withChannel { fixture, channel in
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

  // MARK: Configurations

  @Test func aConfigBlockStandsAloneAndTakesEffectBeforeTheNextMessage() async throws {
    try await withChannel(batch: 10) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1", "2")
      channel.state.change { $0.forbidden = ["4"] }
      try await chain.submit(
        channel.configMessage { try $0.editBatchSize { $0.maxMessageCount = 1 } })
      // Validated against the configuration before.
      try await chain.submit("3", "4", "5")
      await channel.wait(height: 5)
      await chain.halt()
      let contents = try channel.contents()
      #expect(contents.map(\.count) == [2, 1, 1, 1])
      #expect(contents[2...] == [["3"], ["5"]])
      #expect(try channel.metadata().map(\.raftIndex) == [3, 4, 5, 6])
      #expect(try channel.blocks().last?.lastConfigIndex(channelID: "raftchannel") == 2)
      #expect(fixture.log.text.contains("Discarding a message"))
    }
  }

  @Test func aConfigBlockThatTouchesTheConsensusHasTheIndexOfTheBlockBefore() async throws {
    try await withChannel { fixture, channel in
      var (channel, chain) = (channel, try fixture.start(channel))
      try await chain.submit("1")
      await channel.wait(height: 2)
      for interval in [100, 200] as [UInt32] {
        let sequence = channel.bundle.sequence
        let next = try raftConfig([1]) { $0.options.snapshotIntervalSize = interval << 20 }
          .serializedData()
        try await chain.submit(
          channel.configMessage { try $0.editConsensus { $0.metadata = next } })
        await channel.wait { $0.bundle.sequence == sequence + 1 }
      }
      try await chain.submit("2", sequence: 2)
      await channel.wait(height: 5)
      #expect(try channel.metadata().map(\.raftIndex) == [3, 3, 3, 6])
      #expect(fixture.log.text.contains("Update snapshot interval size to 209715200 bytes"))
      await chain.halt()
      (channel, chain) = try fixture.restart(channel)
      try await chain.submit("3", sequence: 2)
      await channel.wait(height: 6)
      await chain.halt()
      #expect(try channel.metadata().map(\.raftIndex) == [3, 3, 3, 6, 8])
    }
  }

  @Test func aRestartOnSuchABlockWritesItOnce() async throws {
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      let next = try raftConfig([1]) { $0.options.electionTick = 20 }.serializedData()
      try await chain.submit(
        channel.configMessage { try $0.editConsensus { $0.metadata = next } })
      await channel.wait(height: 3)
      await chain.halt()
      #expect(fixture.log.text.contains("take effect when the orderer is restarted"))
      let before = try channel.blocks()
      let (again, revived) = try fixture.restart(channel)
      try await revived.submit("2", sequence: 1)
      await revived.halt()
      #expect(Array(try again.blocks().prefix(2)) == before)
      #expect(try again.metadata().map(\.raftIndex) == [3, 3, 6])
    }
  }

  @Test func aSecondConsenterBecomesAMemberAndThenNobodyLeads() async throws {
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      let next = try raftConfig([1, 2]).serializedData()
      await channel.wait(height: 2)
      try await chain.submit(
        channel.configMessage { try $0.editConsensus { $0.metadata = next } })
      await channel.wait(height: 3)
      try await eventually {
        fixture.log.text.contains(
          "Applied config change to add node 2, current nodes in channel: [1, 2]")
      }
      #expect(
        try channel.metadata().last
          == RaftBlockMetadata(consenterIDs: [1, 2], nextConsenterID: 3, raftIndex: 3))
      await chain.halt()

      let (again, revived) = try fixture.restart(channel)
      try await fixture.whileTimePasses {
        await expectNoLeader(revived)
        try await eventually {
          await revived.healthProblem()?.hasPrefix("no Raft leader") == true
        }
      }
      #expect(again.now.failure == nil)
      await revived.halt()
    }
  }

  @Test func aChangeThatACrashKeptFromTheLogIsProposedAnew() async throws {
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      let next = try raftConfig([1, 2]).serializedData()
      channel.state.change { $0.isBlocked = true }
      try await chain.submit(
        channel.configMessage { try $0.editConsensus { $0.metadata = next } })
      try await eventually {
        fixture.log.text.contains("Writing block [2] (Raft index: 4) to ledger")
      }
      // The config block is in the log, what follows from it is not.
      let crashed = try fixture.crashed()
      channel.state.change { $0.isBlocked = false }
      await chain.halt()
      let store = try await RAMLedgerFactory(historySize: 100).openOrCreate("raftchannel")
      for number in 0..<2 as Range<UInt64> {
        try await store.append(channel.store.block(number))
      }
      let again = try TestChannel(store, time: crashed.time)
      let revived = try crashed.start(again)
      await again.wait(height: 3)
      try await eventually {
        crashed.log.text.contains("Applied config change to add node 2")
      }
      await revived.halt()
      await crashed.remove()
    }
  }

  @Test func aChannelOfSeveralIsServedWithoutALeader() async throws {
    let fixture = try ChainFixture()
    let store = try await TestChannel.ledger(raftConfig([1, 2, 3]))
    var channel = try TestChannel(store, time: fixture.time)
    var chain = try fixture.start(channel)
    for _ in 0..<2 {
      // A client waits for two election time-outs, and the next one not at all.
      await fixture.whileTimePasses {
        for _ in 0..<2 { await expectNoLeader(chain) }
      }
      #expect(channel.now.trouble == "no Raft leader")
      #expect(chain.participation.status == .active)
      // It asks for votes that nobody gives, and its term stays.
      for _ in 0..<50 {
        await fixture.time.waitForSleepers(1)
        fixture.time.advance(by: .milliseconds(500))
      }
      await chain.halt()
      #expect(channel.now.failure == nil)
      #expect(channel.height == 1)
      (channel, chain) = try fixture.restart(channel)
    }
    await chain.halt()
    #expect(!fixture.log.text.contains("became candidate"))
    await fixture.remove()
  }

  @Test func aChannelThatComesFromAnotherConsensusGoesOnOnTopOfItsBlocks() async throws {
    try await withChannel { fixture, channel in
      let writer = try BlockWriter(
        store: channel.store, signer: TestIdentity.ordererNode(), configSequence: 0,
        retry: LedgerRetry(
          channelID: "raftchannel", time: fixture.time, logger: fixture.log.logger),
        time: fixture.time, metrics: .disabled)
      try await writer.write(
        [BlockWriter.Content(entries: [try message([1]).envelope.bytes])], configSequence: 0)
      let (migrated, chain) = try fixture.restart(channel)
      try await chain.submit("first")
      await chain.halt()
      #expect(migrated.height == 3)
      #expect(
        try RaftBlockMetadata(serialized: migrated.block(2).consenterMetadata())
          == RaftBlockMetadata(consenterIDs: [1], nextConsenterID: 2, raftIndex: 3))
      #expect(
        fixture.log.text.contains(
          """
          Consensus-type migration detected, starting new raft node on an existing channel; height=2
          """))
    }
  }

  @Test func aChannelThatGoesToAnotherConsensusTakesNothingMore() async throws {
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      try await chain.submit(channel.configMessage { try $0.editConsensus { $0.type = "solo" } })
      try await eventually { fixture.log.text.contains("Detected migration to solo") }
      await #expect {
        try await chain.submit("2", sequence: 1)
      } throws: {
        "\($0)".contains("its consensus type is solo now: restart the orderer")
      }
      #expect(await chain.healthProblem()?.contains("restart the orderer") == true)
      #expect(channel.now.failure == nil)
      await chain.halt()
      #expect(channel.height == 3)
    }
  }

  // MARK: Snapshots

  @Test func snapshotsAreTakenBySizeAndAreStartedFrom() async throws {
    try await withChannel(snapshotInterval: 1) { fixture, channel in
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

  // MARK: What does not belong together

  @Test func aLogThatIsGoneIsNotBegunAnew() async throws {
    try await withChannel(snapshotInterval: 1) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1", "2", "3")
      await channel.wait(height: 4)
      try await eventually { fixture.log.text.contains("Snapshot is taken at index") }
      await chain.halt()
      try FileManager.default.removeItem(atPath: "\(fixture.folder)/wal")
      var (again, revived) = try fixture.restart(channel)
      #expect(await again.failure().contains("there is no raft log"))
      await #expect(throws: ChainError.self) { try await revived.submit("4") }
      #expect(revived.participation.status == .failed)
      await revived.halt()
      try FileManager.default.removeItem(atPath: "\(fixture.folder)/snapshot")
      (again, revived) = try fixture.restart(channel)
      #expect(
        await again.failure().contains("is gone, and this node is the channel's only consenter"))
      await revived.halt()
    }
  }

  @Test func aLedgerThatWentAnotherWayHaltsItsChannel() async throws {
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1", "2")
      await channel.wait(height: 3)
      await chain.halt()
      // The same channel, ordered again from its beginning with another log.
      let other = try ChainFixture()
      let store = try await RAMLedgerFactory(historySize: 100).openOrCreate("raftchannel")
      try await store.append(channel.store.block(0))
      let fork = try TestChannel(store, time: other.time)
      let forking = try other.start(fork)
      try await forking.submit("one", "two")
      await fork.wait(height: 3)
      await forking.halt()
      await other.remove()
      let (again, revived) = try fixture.restart(fork)
      let failure = await again.failure()
      #expect(failure.contains("block 2 has the hash"), "\(failure)")
      await revived.halt()
      #expect(again.height == 3)
    }
  }

  @Test func aLogOfAnotherChannelOfThisNameIsPutAside() async throws {
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      await chain.halt()
      let store = try await TestChannel.ledger(raftConfig([1])) {
        try $0.editBatchSize { $0.maxMessageCount = 2 }
      }
      let other = try TestChannel(store, time: fixture.time)
      let begun = try fixture.start(other)
      try await begun.submit("one", "two")
      await other.wait(height: 2)
      await begun.halt()
      #expect(try other.contents() == [["one", "two"]])
      #expect(FileManager.default.fileExists(atPath: "\(fixture.folder)/wal/raftchannel~1"))
      #expect(fixture.log.text.contains("belongs to a channel of this name"))
    }
  }

  @Test func aLogThatACrashKeptFromBeingBegunIsBegun() async throws {
    try await withChannel { fixture, channel in
      // As after a crash between making the log and its first entry.
      let chain = try fixture.start(channel)
      await chain.halt()
      let (again, revived) = try fixture.restart(channel)
      try await revived.submit("1")
      await revived.halt()
      #expect(try again.contents() == [["1"]])
    }
  }

  @Test func aLogThatCannotBeOpenedIsTriedAgain() async throws {
    try await withChannel { fixture, channel in
      try FileManager.default.createDirectory(
        atPath: fixture.folder, withIntermediateDirectories: true)
      try Data().write(to: URL(filePath: "\(fixture.folder)/wal"))
      let chain = try fixture.start(channel)
      await chain.state.wait { $0.obstruction == nil ? nil : () }
      await #expect {
        try await chain.submit("1")
      } throws: {
        "\($0)".contains("the Raft log cannot be opened")
      }
      #expect(await chain.healthProblem()?.contains("no restart is needed") == true)
      #expect(channel.now.failure == nil)
      try FileManager.default.removeItem(atPath: "\(fixture.folder)/wal")
      await fixture.time.waitForSleepers(1)
      fixture.time.advance(by: .seconds(60))
      try await eventually { chain.obstruction == nil }
      try await chain.submit("1")
      await chain.halt()
      #expect(try channel.contents() == [["1"]])
    }
  }

  @Test func aHaltEndsTheAttemptsToOpenTheLog() async throws {
    try await withChannel { fixture, channel in
      try FileManager.default.createDirectory(
        atPath: fixture.folder, withIntermediateDirectories: true)
      try Data().write(to: URL(filePath: "\(fixture.folder)/wal"))
      let chain = try fixture.start(channel)
      await chain.state.wait { $0.obstruction == nil ? nil : () }
      await chain.halt()
      #expect(channel.now.failure == nil)
    }
  }

  @Test func aFaultOfTheLedgerEndsItsChannel() async throws {
    try await withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.waitReady()
      channel.state.change { $0.refusal = TestChannel.Refused() }
      try await chain.submit("1")
      #expect(await channel.failure() == "refused by the test")
      await #expect(throws: ChainError.self) { try await chain.waitReady() }
      await chain.halt()
      // The log has it.
      channel.state.change { $0.refusal = nil }
      let (again, revived) = try fixture.restart(channel)
      await again.wait(height: 2)
      #expect(again.now.failure == nil)
      #expect(try again.contents() == [["1"]])
      await revived.halt()
    }
  }

  @Test func aRemovedChannelLeavesNothing() async throws {
    try await withChannel(snapshotInterval: 1) { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      try await eventually { fixture.log.text.contains("Snapshot is taken at index") }
      await chain.halt()
      try await fixture.consenter.removeData(of: "raftchannel")
      for folder in ["wal", "snapshot"] {
        #expect(!FileManager.default.fileExists(atPath: "\(fixture.folder)/\(folder)/raftchannel"))
      }
      // Again, as after a crash in between.
      try await fixture.consenter.removeData(of: "raftchannel")
    }
  }

  @Test func foldersThatAreNoneAreAFaultOfTheNode() async throws {
    let fixture = try ChainFixture()
    try fixture.consenter.checkFolders()
    try FileManager.default.createDirectory(
      atPath: fixture.folder, withIntermediateDirectories: true)
    try Data().write(to: URL(filePath: "\(fixture.folder)/wal"))
    #expect(
      throws: UnusableFolder(
        setting: "Consensus.WALDir", path: "\(fixture.folder)/wal",
        obstacle: "\(fixture.folder)/wal")
    ) { try fixture.consenter.checkFolders() }
    await fixture.remove()
  }

  @Test func onlyAConsenterCanMakeAChain() async throws {
    try await withChannel { fixture, channel in
      let stranger = try ChainFixture(node: 2)
      #expect(throws: NotConsenter.unnamed) { try stranger.start(channel) }
      #expect(stranger.consenter.role(in: channel.bundle) == .follower)
      #expect(fixture.consenter.role(in: channel.bundle) == .consenter)
      await stranger.remove()
    }
  }
}
