// What is known of a config update before it is handed in.

import ChannelConfig
import FabricProtos
import Foundation
import ProcessingFixtures
import Testing

@testable import UpdateChecks

@Suite struct UpdateCheckTests {
  private static let admins = "/Channel/Orderer/Admins"
  private static let organization = "/Channel/Orderer/OrdererOrg/Admins"

  private static func largerBatches(_ group: inout Common_ConfigGroup) throws {
    try group.editBatchSize { $0.maxMessageCount += 1 }
  }

  @Test func everythingIsToldOfAnUpdateThatNobodyHasSigned() throws {
    let channel = try CheckedChannel([1, 2, 3])
    let report = try channel.report(by: [], Self.largerBatches)
    #expect(
      report.changes == [
        UpdateReport.Change(
          path: "/Channel/Orderer/BatchSize", element: "value", change: "changed",
          policy: Self.admins, isAuthorized: false)
      ])
    #expect(report.signers == [])
    #expect(!report.isAccepted)
    #expect(report.isSound)
    let standing = try #require(report.policies.first)
    #expect(standing.policy == Self.admins)
    #expect(standing.rule == "1 of the 1 policies 'Admins' below")
    #expect(standing.missing.map(\.policy) == [Self.organization])
    #expect(standing.missing.first?.rule == "OrdererMSP.admin")
    let text = UpdateText.report(report)
    #expect(
      text.hasPrefix(
        """
        Nothing but signatures is missing: \(Self.organization) (OrdererMSP.admin).
        """))
    #expect(text.contains("Blocks are cut by the new limits from the config block on"))
  }

  @Test func aSignedUpdateIsAccepted() throws {
    let channel = try CheckedChannel([1])
    let report = try channel.report(by: [.ordererAdmin()], Self.largerBatches)
    #expect(report.isAccepted)
    #expect(report.checks.filter { !$0.isPassed }.isEmpty)
    #expect(report.signers.map(\.msp) == ["OrdererMSP"])
    #expect(report.signers.map(\.problem) == [nil])
    #expect(report.policies.flatMap(\.missing) == [])
    #expect(UpdateText.report(report).hasPrefix("An orderer would accept this update."))
  }

  @Test func whoHandsItInIsAskedToo() throws {
    let channel = try CheckedChannel([1])
    let report = try channel.report(
      by: [.ordererAdmin()], submitter: .user("user1", org: 3), Self.largerBatches)
    #expect(!report.isAccepted)
    #expect(report.isSound)
    let refused = report.checks.filter { !$0.isPassed }
    #expect(refused.map(\.name) == [.submission])
    #expect(refused.map(\.status) == ["FORBIDDEN"])
  }

  @Test func aSignatureThatDoesNotCountIsNamed() throws {
    let channel = try CheckedChannel([1])
    let update = try ConfigDelta.update(channel.bundle, Self.largerBatches)
    var signed = try Messages.signedUpdate(update.serializedBytes(), by: [.ordererAdmin()])
    signed.signatures[0].signature = Data([1])
    let report = try channel.report(UpdateFile(signed.serializedBytes()))
    #expect(report.signers.map(\.problem) == ["the signature is not one of this update"])
    #expect(!report.isAccepted && report.isSound)
  }

  @Test func anUpdateIsReadInEveryLayer() throws {
    let channel = try CheckedChannel([1])
    let update = try ConfigDelta.update(channel.bundle, Self.largerBatches)
    let signed = try Messages.signedUpdate(update.serializedBytes(), by: [.ordererAdmin()])
    let envelope = try channel.update(by: [.ordererAdmin()], Self.largerBatches)
    for (bytes, isSubmitted) in [
      (try update.serializedBytes(), false), (try signed.serializedBytes(), false),
      (envelope.bytes, true),
    ] as [([UInt8], Bool)] {
      let file = try UpdateFile(bytes)
      #expect(file.channelID == channel.bundle.channelID)
      #expect(file.isSubmitted == isSubmitted)
      #expect(try channel.report(file).changes.map(\.path) == ["/Channel/Orderer/BatchSize"])
    }
    for bytes in [[], [1, 2, 3], try Messages.message("a", .ordererAdmin())] as [[UInt8]] {
      #expect(throws: UpdateCheckError.self) { try UpdateFile(bytes) }
    }
  }

  @Test func anUpdateForAnotherStateIsRefused() throws {
    let channel = try CheckedChannel([1])
    let stale = try channel.update(by: [.ordererAdmin()], Self.largerBatches)
    var config = channel.bundle.config
    config.channelGroup.groups["Orderer"]?.values["BatchSize"]?.version += 1
    let later = try CheckedChannel(config)
    let report = try later.report(UpdateFile(stale.bytes))
    #expect(report.checks.first { !$0.isPassed }?.name == .update)
    #expect(!report.isSound)
    #expect(UpdateText.report(report).contains("key is at version 1"))
  }

  @Test func anotherChannelsBlockIsRefused() throws {
    let channel = try CheckedChannel([1])
    let update = try channel.update(by: [], Self.largerBatches)
    let other = try CheckedChannel([1], channelID: "another")
    #expect(throws: UpdateCheckError.self) { try other.report(UpdateFile(update.bytes)) }
  }

  // MARK: Consenters

  @Test func aConsenterThatJoinsIsForetold() throws {
    let channel = try CheckedChannel([1, 2, 3])
    let report = try channel.report(by: [.ordererAdmin()]) {
      try $0.setConsenters([1, 2, 3, 4])
    }
    #expect(report.isAccepted)
    #expect(report.consenters.map(\.change) == ["stays", "stays", "stays", "joins"])
    #expect(report.consenters.map(\.id) == [1, 2, 3, 4])
    #expect(report.effects.map(\.kind) == [.join, .messages])
    #expect(report.effects.last?.text.contains("needs 3 of them: 1 may fail") == true)
    #expect(report.certificates.count == 8)
    #expect(report.certificates.allSatisfy { !$0.isExpired && !$0.expiresSoon })
  }

  @Test func aConsenterThatLeavesIsForetold() throws {
    let channel = try CheckedChannel([1, 2, 3])
    let report = try channel.report(by: [.ordererAdmin()]) { try $0.setConsenters([1, 3]) }
    #expect(report.isAccepted)
    #expect(report.consenters.map(\.id) == [1, 3, 2])
    #expect(report.consenters.map(\.change) == ["stays", "stays", "leaves"])
    #expect(report.effects.map(\.kind) == [.follower, .leader, .messages])
  }

  @Test func aQuorumThatWouldBeLostIsForetold() throws {
    let channel = try CheckedChannel([1, 2, 3])
    let report = try channel.report(by: [.ordererAdmin()], down: ["127.0.0.1:7003"]) {
      try $0.setConsenters([1, 3])
    }
    let refused = try #require(report.checks.first { !$0.isPassed })
    #expect(refused.name == .consensusMetadata)
    #expect(refused.status == "BAD_REQUEST")
    #expect(refused.reason?.contains("configuration will result in quorum loss") == true)
    #expect(!report.isSound)
    #expect(report.consenters.map(\.isActive) == [true, false, true])
    #expect(throws: UpdateCheckError.self) {
      try channel.report(by: [], down: ["127.0.0.1:7009"], Self.largerBatches)
    }
  }

  @Test func twoConsentersAtATimeAreRefused() throws {
    let channel = try CheckedChannel([1, 2, 3])
    let report = try channel.report(by: [.ordererAdmin()]) { try $0.setConsenters([1]) }
    #expect(
      report.checks.first { !$0.isPassed }?.reason?.contains(
        "update of more than one consenter at a time is not supported") == true)
  }

  @Test func certificatesThatExpireAreNamed() throws {
    let channel = try CheckedChannel([1, 2])
    let expiry = try #require(
      try channel.report(by: [], Self.largerBatches).certificates.first?.expires)
    let date = try #require(ISO8601DateFormatter().date(from: expiry))
    let soon = try channel.report(
      by: [], now: date.addingTimeInterval(-86_400), Self.largerBatches)
    #expect(soon.certificates.contains { $0.expiresSoon && !$0.isExpired })
    #expect(UpdateText.report(soon).contains("expires on \(expiry)"))
    let late = try channel.report(by: [], now: date.addingTimeInterval(1), Self.largerBatches)
    #expect(late.certificates.contains { $0.isExpired })
    #expect(UpdateText.report(late).contains("has expired on \(expiry)"))
  }

  // MARK: Another type of consensus

  private static func toRaft(_ group: inout Common_ConfigGroup) throws {
    let metadata = try CheckedChannel.metadata([1, 2, 3])
    try group.editConsensus {
      $0.type = "etcdraft"
      $0.metadata = metadata
    }
  }

  @Test func theTypeChangesInMaintenanceModeOnly() throws {
    let channel = try CheckedChannel(type: "kafka", state: .normal)
    let report = try channel.report(by: [.ordererAdmin()], Self.toRaft)
    let refused = report.checks.filter { !$0.isPassed }
    #expect(refused.map(\.name) == [.maintenance])
    #expect(
      refused.first?.reason == """
        config update for existing channel did not pass maintenance checks: config transaction inspection \
        failed: attempted to change consensus type from kafka to etcdraft, but current config \
        ConsensusType.State is not in maintenance mode
        """)
  }

  @Test func aMigrationIsForetold() throws {
    let channel = try CheckedChannel(type: "kafka", state: .maintenance)
    let report = try channel.report(by: [.ordererAdmin()], Self.toRaft)
    #expect(report.isAccepted)
    #expect(report.consenters.map(\.change) == ["joins", "joins", "joins"])
    #expect(report.effects.first?.kind == .restart)
    #expect(report.effects.contains { $0.kind == .warning && $0.text.contains("backup") })
  }

  @Test func aMigrationThatNoNodeCouldBeginWithIsRefused() throws {
    let channel = try CheckedChannel(type: "kafka", state: .maintenance)
    let report = try channel.report(by: [.ordererAdmin()]) {
      try $0.editConsensus { $0.type = "etcdraft" }
    }
    let refused = try #require(report.checks.first { !$0.isPassed })
    #expect(refused.name == .migration)
    #expect(refused.reason?.hasSuffix("nil Raft config metadata options") == true)
  }

  @Test func beforeTheRestartThereIsAWayBack() throws {
    let channel = try CheckedChannel(type: "etcdraft", state: .maintenance, number: 7)
    func back(_ group: inout Common_ConfigGroup) throws {
      try group.editConsensus {
        $0.type = "kafka"
        $0.metadata = Data()
      }
    }
    #expect(try channel.report(by: [.ordererAdmin()], running: "kafka", back).isAccepted)
    let refused = try channel.report(by: [.ordererAdmin()], back).checks.first { !$0.isPassed }
    #expect(refused?.reason?.hasSuffix("transition not supported") == true)
    let early = try channel.report(by: [.ordererAdmin()], running: "kafka") {
      try $0.editConsensus { $0.state = .normal }
    }
    #expect(early.checks.first { !$0.isPassed }?.status == "SERVICE_UNAVAILABLE")
  }

  @Test func whatMaintenanceModeMeansIsForetold() throws {
    let enter = try CheckedChannel(type: "kafka", state: .normal).report(by: [.ordererAdmin()]) {
      try $0.editConsensus { $0.state = .maintenance }
    }
    #expect(enter.isAccepted)
    #expect(enter.effects.map(\.kind) == [.messages, .readers])
    let leave = try CheckedChannel(type: "etcdraft", state: .maintenance, number: 7).report(
      by: [.ordererAdmin()]
    ) { try $0.editConsensus { $0.state = .normal } }
    #expect(leave.isAccepted)
    #expect(leave.submissionPolicy == "/Channel/Orderer/Writers")
    #expect(leave.effects.map(\.kind) == [.messages, .restart])
  }
}
