// A channel whose configuration changes: batches, options, consenters, the consensus itself.

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

@Suite(.serialized) struct ChainConfigurationTests {
  @Test func aConfigBlockStandsAloneAndTakesEffectBeforeTheNextMessage() async throws {
    try await ChainFixture.withChannel(batch: 10) { fixture, channel in
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
    try await ChainFixture.withChannel { fixture, channel in
      var (channel, chain) = (channel, try fixture.start(channel))
      try await chain.submit("1")
      await channel.wait(height: 2)
      for interval in [100, 200] as [UInt32] {
        let sequence = channel.bundle.sequence
        try await chain.submit(
          channel.configMessage(
            raftConfig([1]) { $0.options.snapshotIntervalSize = interval << 20 }))
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
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      try await chain.submit(
        channel.configMessage(raftConfig([1]) { $0.options.electionTick = 20 }))
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
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      try await chain.submit(channel.configMessage(raftConfig([1, 2])))
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
        await fixture.expectNoLeader(revived)
        try await eventually {
          await revived.healthProblem()?.hasPrefix("no Raft leader") == true
        }
      }
      #expect(again.now.failure == nil)
      await revived.halt()
    }
  }

  @Test func aChangeThatACrashKeptFromTheLogIsProposedAnew() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      channel.state.change { $0.isBlocked = true }
      try await chain.submit(channel.configMessage(raftConfig([1, 2])))
      try await eventually {
        fixture.log.text.contains("Writing block [2] (Raft index: 4) to ledger")
      }
      // The config block is in the log, what follows from it is not.
      let crashed = try fixture.crashed()
      channel.state.change { $0.isBlocked = false }
      await chain.halt()
      let store = try await TestChannel.ledger(copying: channel.allBlocks().prefix(2))
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
        for _ in 0..<2 { await fixture.expectNoLeader(chain) }
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
    try await ChainFixture.withChannel { fixture, channel in
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

  @Test func aLeaderMakesNoBlockOfAWayBack() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      // Handed on by an orderer that does not know better.
      try await chain.submit(channel.configMessage { try $0.editConsensus { $0.type = "kafka" } })
      try await eventually {
        fixture.log.text.contains("changes the consensus type to kafka is dropped")
      }
      try await chain.submit("2")
      await channel.wait(height: 3)
      #expect(await chain.healthProblem() == nil)
      await chain.halt()
    }
  }

  @Test func aChannelThatGoesToAnotherConsensusTakesNothingMore() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1")
      await channel.wait(height: 2)
      try await chain.submit(channel.configMessage { try $0.editConsensus { $0.type = "BFT" } })
      try await eventually { fixture.log.text.contains("Detected migration to BFT") }
      await #expect {
        try await chain.submit("2", sequence: 1)
      } throws: {
        "\($0)".contains("its consensus type is BFT now: restart the orderer")
      }
      #expect(await chain.healthProblem()?.contains("restart the orderer") == true)
      #expect(channel.now.failure == nil)
      await chain.halt()
      #expect(channel.height == 3)
    }
  }
}
