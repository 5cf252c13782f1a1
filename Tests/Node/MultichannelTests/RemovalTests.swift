// Leaving channels: what goes, in which order, and what a crash leaves.

import BlockLedger
import Concurrency
import FabricProtos
import Foundation
import Ordering
import Testing

@testable import Multichannel

@Suite struct RemovalTests {
  private let folder = JoinFolder()
  private let name = JoinFixture.channelID

  private func joined(_ registrar: Registrar) async throws {
    _ = try await registrar.join(JoinFixture.join(JoinFixture.genesis()))
  }

  @Test(arguments: [ConsensusRole.consenter, .follower])
  func nothingIsLeftOfARemovedChannel(_ role: ConsensusRole) async throws {
    let cluster = TestCluster(role: role)
    let told = Watched([String]())
    try await folder.withNode(cluster, told: told) { registrar, _ in
      for _ in 0..<2 {
        try await joined(registrar)
        try await registrar.remove(name)
        #expect(registrar.lookUp(name) == nil)
        await told.wait { $0.last == "gone" ? $0.removeAll() : nil }
        #expect(throws: ParticipationRefusal.doesNotExist) { try registrar.info(of: name) }
        await #expect(throws: ParticipationRefusal.doesNotExist) {
          try await registrar.remove(name)
        }
        #expect(folder.names("chains") == [])
        #expect(folder.names("pendingops/join") == [])
        #expect(folder.names("pendingops/remove") == [])
      }
      #expect(cluster.removed == [name, name])
    }
  }

  @Test func readersOfARemovedChannelAreWoken() async throws {
    try await folder.withNode(TestCluster()) { registrar, _ in
      try await joined(registrar)
      guard case .channel(let channel) = registrar.lookUp(name) else { return }
      async let event = channel.tip.wait(beyond: 1, heedsErrors: true)
      try await registrar.remove(name)
      guard case .errored(let reason) = await event else {
        Issue.record("the reader should be told")
        return
      }
      #expect(reason.contains("removed"))
    }
  }

  @Test func aRemovalThatFailsIsToldAndMayBeAskedForAgain() async throws {
    let cluster = TestCluster()
    let told = Watched([String]())
    try await folder.withNode(cluster, told: told) { registrar, _ in
      try await joined(registrar)
      let status = try registrar.info(of: name).participation
      cluster.refuseRemoval(true)
      try await registrar.remove(name)
      _ = await registrar.map.wait { map -> Void? in
        if case .beingRemoved(.failed) = map.states[name] { () } else { nil }
      }
      let info = try registrar.info(of: name)
      #expect(
        info.participation == ParticipationStatus(relation: status.relation, status: .failed))
      #expect(info.height == 0)
      await told.wait { $0 == ["other/active", "other/failed"] ? () : nil }
      #expect(registrar.channelNames.channels == [name])
      await #expect(throws: ParticipationRefusal.removalFailed) { try await joined(registrar) }
      #expect(folder.names("pendingops/remove") == ["\(name).remove"])
      cluster.refuseRemoval(false)
      try await registrar.remove(name)
      _ = await registrar.map.wait { $0.states.isEmpty ? () : nil }
      try await joined(registrar)
    }
  }

  @Test func aRemovalUnderWayIsNotBegunAgain() async throws {
    var map = ChannelMap()
    map.addUnfinishedRemoval(name)
    #expect(throws: ParticipationRefusal.pendingRemoval) { try map.beginRemoval(name) }
    #expect(throws: ParticipationRefusal.pendingRemoval) {
      try map.beginJoin(name, isSystemChannel: false)
    }
    #expect(map.names.channels == [name])
    #expect(map.info(name)?.height == 0)
  }

  // MARK: Crashes

  @Test func aRemovalThatWasCutShortIsFinishedAtTheNextStart() async throws {
    let cluster = TestCluster()
    try await folder.withNode(cluster) { registrar, _ in try await joined(registrar) }
    try folder.makeFolder("pendingops/remove")
    let marker = "\(folder.path)/pendingops/remove/\(name).remove"
    try #require(FileManager.default.createFile(atPath: marker, contents: nil))
    // While it fails, the channel is neither there nor gone.
    cluster.refuseRemoval(true)
    try await folder.withNode(cluster) { registrar, _ in
      #expect(registrar.channels().isEmpty)
      let info = try registrar.info(of: name)
      #expect(info.participation.status == .failed)
    }
    #expect(folder.exists("pendingops/remove/\(name).remove"))
    cluster.refuseRemoval(false)
    try await folder.withNode(cluster) { registrar, _ in
      #expect(registrar.channelNames == ChannelNames())
    }
    #expect(folder.names("pendingops/remove") == [])
    #expect(folder.names("chains") == [])
    #expect(cluster.removed == [name])
  }

  /// The removal wins, since it came later.
  @Test func aJoinedChannelWhoseRemovalWasCutShortIsRemoved() async throws {
    let cluster = TestCluster(role: .follower)
    try await folder.withNode(cluster) { registrar, _ in try await joined(registrar) }
    let marker = "\(folder.path)/pendingops/remove/\(name).remove"
    try folder.makeFolder("pendingops/remove")
    try #require(FileManager.default.createFile(atPath: marker, contents: nil))
    try await folder.withNode(cluster) { registrar, _ in
      #expect(registrar.channelNames == ChannelNames())
    }
    #expect(folder.names("pendingops/join") == [])
  }
}
