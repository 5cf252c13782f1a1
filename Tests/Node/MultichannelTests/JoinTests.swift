// Joining channels: what a node becomes, and what it refuses.

import BlockLedger
import FabricProtos
import MessageProcessing
import Ordering
import ProcessingFixtures
import TestSupport
import Testing

@testable import Multichannel

@Suite struct JoinTests {
  private let folder = JoinFolder()
  private let name = JoinFixture.channelID

  private func status(
    _ relation: ParticipationStatus.Relation, _ status: ParticipationStatus.Status
  ) -> ParticipationStatus { ParticipationStatus(relation: relation, status: status) }

  // MARK: What a node becomes

  @Test func aConsenterOrdersFromTheGenesisBlockOn() async throws {
    let cluster = TestCluster()
    let block = try JoinFixture.genesis()
    try await folder.withNode(cluster) { registrar, _ in
      let info = try await registrar.join(JoinFixture.join(block))
      #expect(info.name == name)
      #expect(info.height == 1)
      #expect(registrar.channelNames == ChannelNames(channels: [name]))
      #expect(try registrar.info(of: name) == info)
      #expect(registrar.channels().map(\.id) == [name])
      let stored = try await registrar.block(at: .config, of: name)
      #expect(Array(stored.readableBytesView) == block.serialized())
      #expect(folder.names("pendingops/join") == [])
    }
    try await folder.withNode(cluster) { registrar, _ in
      #expect(registrar.channels().map(\.id) == [name])
    }
  }

  @Test func aNodeThatIsNoConsenterFollows() async throws {
    let cluster = TestCluster(role: .follower)
    for isFirst in [true, false] {
      try await folder.withNode(cluster) { registrar, _ in
        if isFirst {
          let info = try await registrar.join(JoinFixture.join(JoinFixture.genesis()))
          #expect(info.participation == status(.follower, .onboarding))
          #expect(info.height == 0)
        }
        // The operator gave the first block; nobody else is there.
        try await eventually {
          try registrar.info(of: name)
            == ChannelInfo(name: name, participation: status(.follower, .active), height: 1)
        }
        guard case .follower(let follower) = registrar.lookUp(name) else {
          Issue.record("the channel should be followed")
          return
        }
        #expect(follower.id == name)
        #expect(registrar.channelNames.channels == [name])
        #expect(registrar.channels().isEmpty)
        #expect(folder.names("pendingops/join") == ["\(name).join"])
        // Clients are told that there is no such channel.
        let message = try Messages.message(name, TestIdentity.admin(), size: 5000)
        #expect(throws: ProcessingError.self) { try registrar.broadcastChannel(for: message) }
        await #expect(throws: ParticipationRefusal.notReady) {
          try await registrar.block(at: .newest, of: name)
        }
      }
    }
  }

  @Test func aConsenterThatJoinsLaterWaitsForItsBlocks() async throws {
    try await folder.withNode(TestCluster()) { registrar, _ in
      let info = try await registrar.join(JoinFixture.join(JoinFixture.laterBlock(5)))
      #expect(info.participation == status(.consenter, .onboarding))
      #expect(info.height == 0)
    }
  }

  @Test func aFollowerThatHasBecomeAConsenterOrdersFromTheNextStartOn() async throws {
    let cluster = TestCluster(role: .follower)
    let block = try JoinFixture.genesis()
    try await folder.withNode(cluster) { registrar, _ in
      _ = try await registrar.join(JoinFixture.join(block))
      try await eventually { try registrar.info(of: name).height == 1 }
    }
    cluster.setRole(.consenter)
    try await folder.withNode(cluster) { registrar, _ in
      #expect(registrar.channels().map(\.id) == [name])
    }
    #expect(folder.names("pendingops/join") == [])
  }

  // MARK: Refusals

  @Test func aChannelThatIsThereIsNotJoinedAgain() async throws {
    for role in [ConsensusRole.consenter, .follower] {
      try await JoinFolder().withNode(TestCluster(role: role)) { registrar, _ in
        let join = try JoinFixture.join(JoinFixture.genesis())
        _ = try await registrar.join(join)
        await #expect(throws: ParticipationRefusal.alreadyExists) { try await registrar.join(join) }
        let system = try JoinFixture.join(RegistrarTests.genesis("system-solo-v20"))
        await #expect(throws: ParticipationRefusal.applicationChannelsExist) {
          try await registrar.join(system)
        }
        #expect(registrar.channelNames.channels == [name])
      }
    }
  }

  @Test func ofManyJoinsAtOnceOneSucceeds() async throws {
    try await folder.withNode(TestCluster()) { registrar, _ in
      let join = try JoinFixture.join(JoinFixture.genesis())
      let outcomes = await withTaskGroup(of: ParticipationRefusal?.self) { group in
        for _ in 0..<20 {
          group.addTask {
            do throws(ParticipationRefusal) {
              _ = try await registrar.join(join)
              return nil
            } catch { return error }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.count { $0 == nil } == 1)
      #expect(outcomes.count { $0 == .alreadyExists } == 19)
    }
  }

  /// A step that fails, and what it fails with.
  enum Failure: CaseIterable {
    case unknownType, soloChannel, capability, genesisThatFollows, chain

    var reason: String {
      switch self {
      case .unknownType: "Error retrieving consenter of type: martian"
      case .soloChannel: "they cannot be joined"
      case .capability: "capability V9_9"
      case .genesisThatFollows: "previous hash"
      case .chain: "Refusal"
      }
    }

    func block() throws -> Block {
      switch self {
      case .unknownType:
        return try JoinFixture.genesis { try $0.editConsensus { $0.type = "martian" } }
      case .soloChannel:
        return try JoinFixture.genesis { try $0.editConsensus { $0.type = "solo" } }
      case .capability:
        return try JoinFixture.genesis {
          try $0[group: "Orderer"].edit("Capabilities", as: Common_Capabilities.self) {
            $0.capabilities["V9_9"] = Common_Capability()
          }
        }
      case .genesisThatFollows:
        var block = try JoinFixture.genesis()
        block.header.previousHash = [1, 2, 3]
        return block
      case .chain: return try JoinFixture.genesis()
      }
    }
  }

  @Test(arguments: Failure.allCases)
  func aJoinThatFailsLeavesNothing(_ failure: Failure) async throws {
    let cluster = TestCluster()
    try await folder.withNode(cluster) { registrar, ledgers in
      cluster.refuseChains(failure == .chain)
      let join = try JoinFixture.join(failure.block())
      do {
        _ = try await registrar.join(join)
        Issue.record("the join should fail")
      } catch { #expect("\(error)".contains(failure.reason), "\(error)") }
      #expect(registrar.channelNames == ChannelNames())
      #expect(try ledgers.channelIDs() == [])
      #expect(folder.names("pendingops/join") == [])
      #expect(folder.names("pendingops/remove") == [])
      #expect(folder.names("chains") == [])
      cluster.refuseChains(false)
      #expect(try await registrar.join(JoinFixture.join(JoinFixture.genesis())).height == 1)
    }
  }

  @Test func whatIsLeftOfAFailedJoinCanBeRemoved() async throws {
    let cluster = TestCluster()
    try await folder.withNode(cluster) { registrar, _ in
      let join = try JoinFixture.join(JoinFixture.genesis())
      cluster.refuseChains(true)
      cluster.refuseRemoval(true)
      await #expect(throws: ParticipationRefusal.self) { try await registrar.join(join) }
      #expect(try registrar.info(of: name).participation.status == .failed)
      await #expect(throws: ParticipationRefusal.removalFailed) { try await registrar.join(join) }
      cluster.refuseChains(false)
      cluster.refuseRemoval(false)
      try await registrar.remove(name)
      _ = await registrar.map.wait { $0.states.isEmpty ? () : nil }
      #expect(try await registrar.join(join).height == 1)
    }
  }

  @Test func withoutBlockFilesNothingCanBeJoined() async throws {
    let registrar = try RegistrarTests.registrar(
      RAMLedgerFactory(historySize: 10), cluster: TestCluster())
    try await registrar.initialize()
    do {
      _ = try await registrar.join(JoinFixture.join(JoinFixture.genesis()))
      Issue.record("the join should fail")
    } catch { #expect("\(error)".contains("General.LedgerType: file")) }
    await registrar.halt()
  }

  @Test func withASystemChannelNothingCanBeJoinedOrLeft() async throws {
    let ledgers = RAMLedgerFactory(historySize: 10)
    let registrar = try RegistrarTests.registrar(ledgers, cluster: TestCluster())
    try await registrar.initialize(RegistrarTests.genesis("system-solo-v20"))
    let join = try JoinFixture.join(JoinFixture.genesis())
    await #expect(throws: ParticipationRefusal.systemChannelExists) {
      try await registrar.join(join)
    }
    await #expect(throws: ParticipationRefusal.systemChannelExists) {
      try await registrar.remove(name)
    }
    await #expect(
      throws: ParticipationRefusal.other("cannot remove solo system channel: syschannel")
    ) { try await registrar.remove("syschannel") }
    #expect(registrar.channelNames == ChannelNames(system: "syschannel", channels: []))
    #expect(
      try registrar.info(of: "syschannel")
        == ChannelInfo(name: "syschannel", participation: status(.other, .active), height: 1))
    await registrar.halt()
  }
}
