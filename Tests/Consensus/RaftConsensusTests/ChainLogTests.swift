// Logs that do not belong to the ledger, cannot be opened, are removed, or are nobody's.

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

@Suite(.serialized) struct ChainLogTests {
  @Test func aBlockWithoutMetadataIsNoMigration() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      for text in ["1", "2"] { try await chain.submit(text) }
      await channel.wait(height: 3)
      await chain.halt()
      var blocks = try channel.allBlocks()
      let sealed = blocks[2]
      var slot = try #require(sealed.signatures)
      var signed = try Common_OrdererBlockMetadata(serializedBytes: slot.value)
      signed.consenterMetadata = Data()
      slot.value = try signed.serializedData()
      // As a Go orderer writes the block that it finds in a snapshot.
      blocks[2].metadata[0] = try slot.serializedBytes()
      #expect(blocks[2].consenterMetadata() == [])
      let all = blocks
      #expect(
        try blocks[2].completed { all[Int($0)] }.consenterMetadata()
          == blocks[1].consenterMetadata())
      #expect(try sealed.completed { all[Int($0)] } == sealed)
      #expect(try blocks[0].completed { all[Int($0)] } == blocks[0])

      let other = try ChainFixture(time: fixture.time)
      let again = try TestChannel(await TestChannel.ledger(copying: blocks), time: other.time)
      let revived = try other.start(again)
      #expect(
        await again.failure().contains("is gone, and this node is the channel's only consenter"))
      await revived.halt()
      await other.remove()
    }
  }

  @Test func aLogThatIsGoneIsNotBegunAnew() async throws {
    try await ChainFixture.withChannel(snapshotInterval: 1) { fixture, channel in
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
    try await ChainFixture.withChannel { fixture, channel in
      let chain = try fixture.start(channel)
      try await chain.submit("1", "2")
      await channel.wait(height: 3)
      await chain.halt()
      // The same channel, ordered again from its beginning with another log.
      let other = try ChainFixture()
      let store = try await TestChannel.ledger(copying: channel.allBlocks().prefix(1))
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
    try await ChainFixture.withChannel { fixture, channel in
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
    try await ChainFixture.withChannel { fixture, channel in
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
    try await ChainFixture.withChannel { fixture, channel in
      try fixture.putFileInPlaceOfLogs()
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
    try await ChainFixture.withChannel { fixture, channel in
      try fixture.putFileInPlaceOfLogs()
      let chain = try fixture.start(channel)
      await chain.state.wait { $0.obstruction == nil ? nil : () }
      await chain.halt()
      #expect(channel.now.failure == nil)
    }
  }

  @Test func aFaultOfTheLedgerEndsItsChannel() async throws {
    try await ChainFixture.withChannel { fixture, channel in
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
    try await ChainFixture.withChannel(snapshotInterval: 1) { fixture, channel in
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
    try fixture.putFileInPlaceOfLogs()
    #expect(
      throws: UnusableFolder(
        setting: "Consensus.WALDir", path: "\(fixture.folder)/wal",
        obstacle: "\(fixture.folder)/wal")
    ) { try fixture.consenter.checkFolders() }
    await fixture.remove()
  }

  @Test func onlyAConsenterCanMakeAChain() async throws {
    try await ChainFixture.withChannel { fixture, channel in
      let stranger = try ChainFixture(node: 2)
      #expect(throws: NotConsenter.unnamed) { try stranger.start(channel) }
      #expect(stranger.consenter.role(in: channel.bundle) == .follower)
      #expect(fixture.consenter.role(in: channel.bundle) == .consenter)
      await stranger.remove()
    }
  }
}
