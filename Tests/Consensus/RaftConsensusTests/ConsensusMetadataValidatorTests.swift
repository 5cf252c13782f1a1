// Which changes of consenters and options are refused, with which words.

import ChannelConfig
import FabricProtos
import Foundation
import Ordering
import ProcessingFixtures
import Testing

@testable import RaftConsensus

@Suite struct ConsensusMetadataValidatorTests {
  /// When the certificates of the test network are valid.
  private let now = Int64(testTime.timeIntervalSince1970)

  /// What is refused; "accepted" if nothing is.
  private func outcome(
    from current: Etcdraft_ConfigMetadata, to next: Etcdraft_ConfigMetadata,
    active: Set<UInt64>? = nil, givenUp: Set<UInt64> = [], isNewChannel: Bool = false,
    now: Int64? = nil
  ) throws -> String {
    let change = ConsensusChange(
      channelID: "raftchannel", current: try #require(raftBundle(current).orderer),
      next: try #require(raftBundle(next).orderer), isNewChannel: isNewChannel)
    let count = current.consenters.count
    do {
      try ConsensusMetadataValidator(now: now ?? self.now).validate(
        change,
        standing: ConsensusMetadataValidator.Standing(
          metadata: RaftBlockMetadata(consenterCount: count),
          active: active ?? Set((1...UInt64(count))), givenUp: givenUp))
      return "accepted"
    } catch { return "\(error)" }
  }

  private func outcome(
    _ edit: (inout Etcdraft_ConfigMetadata) throws -> Void
  ) throws -> String {
    try outcome(from: raftConfig([1, 2, 3]), to: raftConfig([1, 2, 3], edit))
  }

  @Test func oneChangeAtATimeIsAccepted() throws {
    #expect(try outcome { _ in } == "accepted")
    #expect(try outcome { $0.options.electionTick = 20 } == "accepted")
    #expect(try outcome { $0.consenters.append(try consenter(4)) } == "accepted")
    #expect(try outcome { $0.consenters.removeLast() } == "accepted")
    #expect(try outcome { $0.consenters[2] = try consenter(4) } == "accepted")
    #expect(try outcome { $0.consenters.reverse() } == "accepted")
  }

  @Test func optionsThatCannotBeUsedAreRefused() throws {
    #expect(
      try outcome { $0.clearOptions() }
        == "invalid new config metadata: nil Raft config metadata options")
    #expect(
      try outcome { $0.options.heartbeatTick = 0 } == """
        invalid new config metadata: none of HeartbeatTick (0), ElectionTick (10) and MaxInflightBlocks \
        (5) can be zero
        """)
    #expect(
      try outcome { $0.options.electionTick = 1 }
        == "invalid new config metadata: ElectionTick (1) must be greater than HeartbeatTick (1)")
    #expect(
      try outcome { $0.options.tickInterval = "often" }.hasPrefix(
        "invalid new config metadata: failed to parse TickInterval (often) to time duration"))
  }

  @Test func noConsentersAreRefused() throws {
    #expect(
      try outcome { $0.consenters = [] } == "invalid new config metadata: empty consenter set")
  }

  @Test func textThatIsNoCertificateIsRefused() throws {
    #expect(
      try outcome { $0.consenters[0].clientTlsCert = Data("garbage".utf8) }.hasPrefix(
        """
        invalid new config metadata: consenter 127.0.0.1:7001 has invalid certificate: parsing tls client \
        cert of 127.0.0.1:7001: 
        """))
    #expect(
      try outcome { $0.consenters[1].serverTlsCert = Data() }.hasPrefix(
        """
        invalid new config metadata: consenter 127.0.0.1:7002 has invalid certificate: parsing tls server \
        cert of 127.0.0.1:7002: 
        """))
  }

  @Test func aCertificateOfAnotherCAIsRefused() throws {
    let foreign = Data(try Fixtures.bytes("crypto/org1.test/users/user1/tls.crt"))
    let refusal = try outcome { $0.consenters[0].clientTlsCert = foreign }
    #expect(
      refusal.hasPrefix(
        """
        invalid new config metadata: consenter 127.0.0.1:7001 has invalid certificate: verifying tls client \
        cert with serial number 
        """))
    #expect(refusal.hasSuffix(": x509: certificate signed by unknown authority"))
  }

  @Test func aCertificateAtTwoConsentersIsRefused() throws {
    let refusal = try outcome {
      $0.consenters[1].clientTlsCert = try consenter(1).serverTlsCert
    }
    #expect(
      refusal.hasPrefix("invalid new config metadata: duplicate consenter: server cert: -----BEGIN")
    )
    #expect(
      try outcome { $0.consenters.append($0.consenters[0]) }.hasPrefix(
        "invalid new config metadata: duplicate consenter: "))
  }

  @Test func expiryIsHeldAgainstNewcomersOnly() throws {
    let late = Int64(4_102_444_800 + 400 * 365 * 86_400)
    #expect(
      try outcome(from: raftConfig([1, 2]), to: raftConfig([2, 1]), now: late) == "accepted")
    let refusal = try outcome(from: raftConfig([1]), to: raftConfig([1, 2]), now: late)
    #expect(
      refusal.hasPrefix(
        """
        consenter 127.0.0.1:7002 has invalid certificates: verifying tls client cert with serial number 
        """))
    #expect(refusal.hasSuffix("x509: certificate has expired or is not yet valid"))
  }

  @Test func moreThanOneChangeIsRefused() throws {
    #expect(
      try outcome { $0.consenters.removeLast(2) } == """
        update of more than one consenter at a time is not supported, requested changes: add 0 node(s), \
        remove 2 node(s)
        """)
  }

  @Test func aLostQuorumIsRefused() throws {
    let refusal = try outcome(
      from: raftConfig([1, 2, 3]), to: raftConfig([1, 2]), active: [1, 3])
    #expect(
      refusal.hasPrefix(
        "2 out of 3 nodes are alive, configuration will result in quorum loss: 2 have to be alive"))
    #expect(refusal.contains("Not heard of: consenter 2 (127.0.0.1:7002)."))
  }

  @Test func nobodyIsAddedBeforeTheGivenUpAreRemoved() throws {
    #expect(
      try outcome(from: raftConfig([1, 2]), to: raftConfig([1, 2, 3]), givenUp: [2])
        .contains("consenters [2] were given up when the channel was recovered: remove them first"))
    #expect(
      try outcome(from: raftConfig([1, 2]), to: raftConfig([1]), givenUp: [2]) == "accepted")
  }

  @Test func aNewChannelNeedsConsentersOfTheSystemChannel() throws {
    let system = try raftConfig([1, 2, 3])
    #expect(
      try outcome(from: system, to: raftConfig([3, 1]), isNewChannel: true) == "accepted")
    #expect(
      try outcome(from: system, to: raftConfig([1, 4]), isNewChannel: true)
        == "new channel has consenter that is not part of system consenter set")
  }

  @Test func aChannelThatComesFromAnotherTypeNeedsConsentersThatCanBegin() throws {
    func outcome(_ next: Etcdraft_ConfigMetadata, now: Int64? = nil) throws -> String {
      let solo = try raftBundle(raftConfig([1])) { group in
        try group.editConsensus {
          $0.type = "solo"
          $0.metadata = Data()
        }
      }
      let change = ConsensusChange(
        channelID: "raftchannel", current: try #require(solo.orderer),
        next: try #require(raftBundle(next).orderer), isNewChannel: false)
      do {
        try ConsensusMetadataValidator(now: now ?? self.now).validate(
          change, standing: { throw ConsensusChangeRefusal("the channel is not ordered here") }())
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(try outcome(raftConfig([1, 2, 3])) == "accepted")
    #expect(
      try outcome(Etcdraft_ConfigMetadata())
        == "invalid new config metadata: nil Raft config metadata options")
    #expect(
      try outcome(raftConfig([])) == "invalid new config metadata: empty consenter set")
    let late = Int64(4_102_444_800 + 400 * 365 * 86_400)
    #expect(
      try outcome(raftConfig([1, 2]), now: late).hasPrefix(
        "consenter 127.0.0.1:7001 has invalid certificates: verifying tls client cert"))
  }

  @Test func theMetadataOfAnotherTypeAreNotLookedAt() throws {
    let orderer = try #require(raftBundle(raftConfig([1])).orderer)
    let other = try #require(
      raftBundle(raftConfig([1])) { group in
        try group.editConsensus {
          $0.type = "solo"
          $0.metadata = Data([0xFF])
        }
      }.orderer)
    try ConsensusMetadataValidator(now: now).validate(
      ConsensusChange(
        channelID: "raftchannel", current: orderer, next: other, isNewChannel: false),
      standing: ConsensusMetadataValidator.Standing(
        metadata: RaftBlockMetadata(consenterCount: 1), active: []))
  }
}
