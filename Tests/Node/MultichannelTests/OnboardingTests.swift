// Nodes that come to a system channel which others have had for long.

import BlockLedger
import Concurrency
import FabricProtos
import Ordering
import ReplicationFixtures
import TestSupport
import Testing

@testable import Multichannel

@Suite struct OnboardingTests {
  private let fixture: SystemChannelFixture
  private let name = SystemChannelFixture.name
  private let ours = SystemChannelFixture.ours
  private let foreign = SystemChannelFixture.foreign

  init() throws { fixture = try SystemChannelFixture() }

  private func isWhole(_ registrar: Registrar) throws {
    #expect(registrar.systemChannelID == name)
    #expect(registrar.channelNames.channels == [foreign, ours])
    #expect(try registrar.participation(in: name) == "other/active 5")
    #expect(try registrar.participation(in: ours) == "other/active 4")
    #expect(try registrar.participation(in: foreign) == "config-tracker/inactive 1")
    #expect(fixture.folder.names("pendingops/join") == [])
  }

  @Test func aLaterBootstrapBlockBringsAllChannels() async throws {
    fixture.orderers.set("one:1", .stingy(2))
    try await fixture.withNode(boot: fixture.boot) { registrar in
      try isWhole(registrar)
      guard case .channel(let channel)? = registrar.lookUp(ours) else {
        Issue.record("\(ours) should be there")
        return
      }
      let blocks = try await channel.blocks(from: 0, count: 9, bytes: 1 << 20, contentType: .block)
      // All but the genesis block are as the others have them.
      let pulled = blocks.dropFirst().map { Array($0.readableBytesView) }
      let others = fixture.ours.blocks.dropFirst().map { $0.serialized() }
      #expect(pulled == others)
    }
    // From now on the bootstrap block does not count.
    try await fixture.withNode(boot: fixture.boot) { try isWhole($0) }
    #expect(fixture.orderers.openConnections == 0)
  }

  /// What a node that was killed has left.
  @Test(arguments: 0...6) func onboardingIsFinishedAfterACrash(_ step: Int) async throws {
    let genesis = [(ours, [fixture.ours.blocks[0]]), (foreign, [fixture.foreign.blocks[0]])]
    let pulled = [(ours, Array(fixture.ours.blocks.dropFirst()))]
    let begun = [(name, Array(fixture.system.blocks.prefix(3)))]
    let steps: [[(name: String, blocks: [Block])]] = [
      [], [genesis[0]], genesis, genesis + [(ours, [fixture.ours.blocks[1]])], genesis + pulled,
      genesis + pulled + [(name, [])], genesis + pulled + begun,
    ]
    try await fixture.write(steps[step], noting: fixture.boot)
    try await fixture.withNode { try isWhole($0) }
  }

  @Test func aBootstrapBlockBeyondTheLedgerBringsTheRest() async throws {
    try await fixture.write([(name, Array(fixture.system.blocks.prefix(1)))])
    try await fixture.withNode(boot: fixture.boot) { try isWhole($0) }
    // Of a system channel that is not here, it does not count beside other channels.
    let other = try SystemChannelFixture()
    try await other.write([(ours, [other.ours.blocks[0]])])
    try await other.withNode(boot: other.boot) { registrar in
      #expect(registrar.hasNoSystemChannel)
      #expect(registrar.channelNames.channels == [ours])
    }
  }

  @Test func aChannelThatNobodySendsIsTracked() async throws {
    fixture.orderers.refuse(ours, .serviceUnavailable)
    try await fixture.withNode(boot: fixture.boot) { registrar in
      #expect(try registrar.participation(in: name) == "other/active 5")
      #expect(try registrar.participation(in: ours) == "config-tracker/inactive 1")
      fixture.orderers.set(fixture.ours.blocks, of: ours)
      try await fixture.time.pass { try registrar.participation(in: ours) == "other/active 4" }
    }
  }

  @Test func aBlockOfAnotherNetworkLeavesNothing() async throws {
    var other = try SystemChannelFixture.systemChannel()
    try other.grow(by: 3)
    try other.configure(maxMessageCount: 4)
    await #expect {
      try await fixture.withNode(boot: other.blocks[4]) { _ in }
    } throws: { "\($0)".contains("doesn't match the boot last config block") }
    #expect(fixture.folder.names("chains") == [])
    #expect(fixture.folder.names("pendingops/join") == [])
    try await fixture.withNode(boot: fixture.boot) { try isWhole($0) }
  }

  @Test func otherConsensusTypesBeginWithBlockZero() async throws {
    var solo = try SystemChannelFixture.systemChannel(type: "solo")
    try solo.configure(maxMessageCount: 4)
    await #expect {
      try await fixture.withNode(boot: solo.blocks[1]) { _ in }
    } throws: { "\($0)".contains("such a node begins with block 0") }
  }

  // MARK: Joining

  @Test(arguments: [false, true])
  func aSystemChannelThatIsJoinedComesWithTheNextStart(_ isLater: Bool) async throws {
    let block = isLater ? fixture.boot : fixture.system.blocks[0]
    let height = isLater ? 0 : 1
    try await fixture.withNode { registrar in
      let info = try await registrar.join(JoinFixture.join(block))
      #expect(
        info
          == ChannelInfo(
            name: name,
            participation: ParticipationStatus(relation: .consenter, status: .inactive),
            height: UInt64(height)))
      #expect(registrar.channelNames == ChannelNames(system: name))
      guard case .unavailable(let reason)? = registrar.lookUp(name) else {
        Issue.record("the reason should be told")
        return
      }
      #expect(reason == "system channel creation pending: server requires restart")
      for other in [try JoinFixture.genesis(), block] {
        await #expect(throws: ParticipationRefusal.systemChannelExists) {
          try await registrar.join(JoinFixture.join(other))
        }
      }
      #expect(fixture.folder.names("pendingops/join") == ["\(name).join"])
    }
    try await fixture.withNode { registrar in
      guard !isLater else { return try isWhole(registrar) }
      #expect(try registrar.participation(in: name) == "other/active 1")
      #expect(fixture.folder.names("pendingops/join") == [])
    }
  }

  @Test(arguments: [false, true])
  func aSystemChannelThatWasJoinedCanBeLeftBeforeTheNextStart(_ isLater: Bool) async throws {
    let block = isLater ? fixture.boot : fixture.system.blocks[0]
    try await fixture.withNode { registrar in
      _ = try await registrar.join(JoinFixture.join(block))
      try await registrar.remove(name)
      #expect(registrar.channelNames == ChannelNames())
      #expect(fixture.folder.names("pendingops/join") == [])
      #expect(fixture.folder.names("chains") == [])
      _ = try await registrar.join(JoinFixture.join(JoinFixture.genesis()))
    }
    try await fixture.withNode { #expect($0.hasNoSystemChannel) }
  }

  @Test func onlyClustersSystemChannelsAreJoined() async throws {
    let solo = try SystemChannelFixture.systemChannel(type: "solo").blocks[0]
    try await fixture.withNode { registrar in
      await #expect(throws: ParticipationRefusal.self) {
        try await registrar.join(JoinFixture.join(solo))
      }
      #expect(registrar.hasNoSystemChannel)
    }
  }

  // MARK: Leaving

  @Test func aSystemChannelIsRemovedInPlace() async throws {
    try await fixture.withNode(boot: fixture.boot) { registrar in
      guard case .channel(let channel)? = registrar.lookUp(ours) else {
        Issue.record("\(ours) should be there")
        return
      }
      await #expect(throws: ParticipationRefusal.systemChannelExists) {
        try await registrar.remove(ours)
      }
      try await registrar.remove(name)
      #expect(registrar.channelNames == ChannelNames(channels: [ours]))
      #expect(registrar.hasNoSystemChannel)
      #expect(fixture.folder.names("chains") == [ours])
      #expect(fixture.folder.names("pendingops/remove") == [])
      #expect(Set(fixture.cluster.removed) == [name, foreign])
      // The channel that the node orders was not disturbed.
      try await channel.waitReady()
      #expect(channel.tip.error == nil)
      await #expect(throws: ParticipationRefusal.doesNotExist) { try await registrar.remove(name) }
      // Now channels are joined one by one, and an evicted node follows.
      _ = try await registrar.join(JoinFixture.join(JoinFixture.genesis()))
      fixture.cluster.support(of: ours)?.ceaseOrdering(reason: "evicted")
      try await eventually { try registrar.info(of: ours).participation.relation != .other }
    }
    try await fixture.withNode(boot: fixture.boot) { registrar in
      #expect(registrar.hasNoSystemChannel)
      #expect(registrar.channelNames.channels == [ours, JoinFixture.channelID])
    }
  }

  @Test func aRemovalOfTheSystemChannelThatFailsIsAskedForAgain() async throws {
    try await fixture.withNode(boot: fixture.boot) { registrar in
      fixture.cluster.refuseRemoval(true)
      await #expect(throws: ParticipationRefusal.self) { try await registrar.remove(name) }
      #expect(try registrar.info(of: name).participation.status == .failed)
      fixture.cluster.refuseRemoval(false)
      try await registrar.remove(name)
      #expect(registrar.hasNoSystemChannel)
      #expect(registrar.channelNames.system == nil)
    }
  }
}
