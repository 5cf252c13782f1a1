// The rules for transactions: who may write, what is too large, what has expired.

import ChannelConfig
import FabricProtos
import Foundation
import ProcessingFixtures
import TestSupport
import Testing

@testable import MessageProcessing

@Suite struct NormalMessageTests {
  static let absoluteMaxBytes = 256 * 1024
  static let writersRefusal =
    "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires "
    + "1 of the 'Writers' sub-policies to be satisfied: permission denied"

  let channel: TestChannel
  let processor: StandardChannelProcessor

  init() throws {
    channel = try TestNetwork(.v20).channel()
    processor = StandardChannelProcessor(channel, environment: .test())
  }

  func message(_ signer: TestIdentity, type: Common_HeaderType = .message) throws -> EnvelopeView {
    try EnvelopeView(try Messages.message(channel.channelID, signer, type: type))
  }

  @Test func `a member's transaction is accepted with the current config sequence`() throws {
    #expect(try processor.processNormal(try message(try .user("user1"))) == 1)
    try channel.force { try $0.editBatchSize { $0.maxMessageCount += 1 } }
    #expect(try processor.processNormal(try message(try .user("user1"))) == 2)
  }

  @Test func `who satisfies the writers policy may write`() throws {
    let writers = [
      try TestIdentity.admin(), try .user("user1"), try .user("user1", org: 2), try .ordererAdmin(),
      try .ordererNode(),
    ]
    for writer in writers {
      #expect(throws: Never.self) { try processor.processNormal(try message(writer)) }
    }
  }

  @Test func `others are forbidden to write, with the policy's reason`() throws {
    let outsiders = [
      try TestIdentity.user("peer0"), try .user("user2", org: 3), try .user("user1", org: 5),
      try .user("user1").claiming("NoSuchMSP"), try .user("user1").claiming("Org2MSP"),
    ]
    for outsider in outsiders {
      let refused = try refusal { try processor.processNormal(try message(outsider)) }
      #expect(refused.status == .forbidden)
      #expect(refused.reason == Self.writersRefusal)
    }
  }

  @Test func `the log tells who was forbidden to write and why`() throws {
    let log = TestLog()
    var environment = ProcessingEnvironment.test()
    environment.logger = log.logger
    let processor = StandardChannelProcessor(channel, environment: environment)
    let peer = try message(try .user("peer0"))
    #expect(try refusal { try processor.processNormal(peer) }.status == .forbidden)
    let stranger = try message(try .user("user1").claiming("NoSuchMSP"))
    #expect(try refusal { try processor.processNormal(stranger) }.status == .forbidden)
    let lines = log.all.filter { $0.hasPrefix("warning ") }
      .map { $0.dropFirst("warning ".count) }
    try #require(lines.count == 2)
    for line in lines {
      #expect(
        line.hasPrefix(
          "SigFilter evaluation failed: implicit policy evaluation failed - 0 sub-policies were "
            + "satisfied, but this policy requires 1 of the 'Writers' sub-policies to be "
            + "satisfied, policyName: /Channel/Writers, ConsensusState: STATE_NORMAL, "))
    }
    #expect(lines[0].contains("mspid=Org1MSP") && lines[0].contains("peer0.org1.test"))
    #expect(lines[1].contains("NoSuchMSP"))
  }

  @Test func `a revoked identity is forbidden to write`() throws {
    let channel = try TestNetwork(.v20).channel("wide", orgs: ["Org1", "Org3", "Org4"])
    let processor = StandardChannelProcessor(channel, environment: .test())
    func process(_ signer: TestIdentity) throws -> UInt64 {
      try processor.processNormal(try EnvelopeView(try Messages.message("wide", signer)))
    }
    #expect(try refusal { try process(try .user("user1", org: 3)) }.status == .forbidden)
    #expect(try process(try .user("user2", org: 3)) == 1)
    #expect(try process(try .user("user1", org: 4)) == 1)
  }

  @Test func `a signature that does not fit the payload is forbidden`() throws {
    let good = try message(try .user("user1"))
    let payload = Array(good.payload)
    let other = try TestIdentity.user("user1").sign([Array("other".utf8)[...]])
    for signature in [other, Array("signature".utf8), []] {
      let bad = try EnvelopeView(try Messages.envelope(payload: payload, signature: signature))
      let refused = try refusal { try processor.processNormal(bad) }
      #expect(refused.status == .forbidden)
      #expect(refused.reason == Self.writersRefusal)
    }
    var tampered = payload
    tampered[tampered.count - 1] ^= 1
    let bad = try EnvelopeView(
      try Messages.envelope(payload: tampered, signature: Array(good.signature)))
    #expect(try refusal { try processor.processNormal(bad) }.status == .forbidden)
  }

  @Test func `a missing signature header or creator is forbidden, a malformed header is not valid`()
    throws
  {
    let user = try TestIdentity.user("user1")
    let channelHeader: [UInt8] = try Messages.channelHeader(channel.channelID, .message)
      .serializedBytes()
    func status(_ signatureHeader: [UInt8]) throws -> Common_Status {
      let payload = try Messages.payload(channelHeader, signatureHeader, [1])
      let envelope = try EnvelopeView(try Messages.signed(payload: payload, user))
      return try refusal { try processor.processNormal(envelope) }.status
    }
    #expect(try status([]) == .forbidden)
    #expect(try status([UInt8](repeating: 0xFF, count: 20)) == .badRequest)
    var header = Common_SignatureHeader()
    header.creator = Data(repeating: 0xFF, count: 20)
    #expect(try status(try header.serializedBytes()) == .forbidden)
  }

  @Test func `payload and signature may have exactly the absolute maximum together`() throws {
    let user = try TestIdentity.user("user1")
    let limit = Self.absoluteMaxBytes
    let largest = try Messages.message(channel.channelID, user, size: limit)
    #expect(try processor.processNormal(largest) == 1)
    let larger = try Messages.message(channel.channelID, user, size: limit + 1)
    #expect(
      try refusal { try processor.processNormal(larger) }
        == .badRequest(
          "message payload is \(limit + 1) bytes and exceeds maximum allowed \(limit) bytes"))
  }

  @Test func `an oversized message is refused before its signature is looked at`() throws {
    let payload = try Messages.payload(
      try Messages.channelHeader(channel.channelID, .message).serializedBytes(),
      [UInt8](repeating: 0xFF, count: 20), [UInt8](repeating: 0, count: Self.absoluteMaxBytes))
    let envelope = try EnvelopeView(try Messages.envelope(payload: payload, signature: []))
    let refused = try refusal { try processor.processNormal(envelope) }
    #expect(refused.reason.contains("exceeds maximum allowed"))
  }

  @Test func `an expired identity is a bad request`() throws {
    let refused = try refusal { try processor.processNormal(try message(try .user("expired"))) }
    #expect(refused == .badRequest("broadcast client identity expired"))
  }

  @Test func `an expired identity of an unknown organization is a bad request, too`() throws {
    let stranger = try TestIdentity.user("expired").claiming("NoSuchMSP")
    let refused = try refusal { try processor.processNormal(try message(stranger)) }
    #expect(refused == .badRequest("broadcast client identity expired"))
  }

  @Test func `an identity is expired from the second on at which its validity ends`() throws {
    // The certificate is valid until 2021-01-01T00:00:00Z.
    let end = Date(timeIntervalSince1970: 1_609_459_200)
    let before = StandardChannelProcessor(
      channel, environment: .test(now: end.addingTimeInterval(-0.001)))
    #expect(try before.processNormal(try message(try .user("expired"))) == 1)
    let at = StandardChannelProcessor(channel, environment: .test(now: end))
    #expect(
      try refusal { try at.processNormal(try message(try .user("expired"))) }.status == .badRequest)
  }

  @Test func `expiry does not count where the setting turns its check off`() throws {
    let lenient = StandardChannelProcessor(channel, environment: .test(checksExpiration: false))
    #expect(try lenient.processNormal(try message(try .user("expired"))) == 1)
  }

  @Test func `expiry does not count on channels without an orderer capability`() throws {
    try channel.force { group in
      group.values["Capabilities"] = nil
      group[group: "Orderer"].values["Capabilities"] = nil
      group[group: "Application"].values["Capabilities"] = nil
      group[group: "Orderer"][group: "OrdererOrg"].values["Endpoints"] = nil
      // Without capabilities only members are known, no clients.
      var writers = Common_ConfigPolicy()
      writers.modPolicy = "Admins"
      writers.policy = try SignaturePolicies.anyMember(of: "Org1MSP")
      group.policies["Writers"] = writers
    }
    #expect(try processor.processNormal(try message(try .user("expired"))) == 2)
  }

  @Test func `a channel without a writers policy accepts nothing`() throws {
    try channel.force { $0.policies["Writers"] = nil }
    let refused = try refusal { try processor.processNormal(try message(try .user("user1"))) }
    #expect(refused == .badRequest("could not find policy /Channel/Writers"))
  }

  @Test func `the header type, data and channel of a transaction do not matter`() throws {
    let user = try TestIdentity.user("user1")
    for type in [.endorserTransaction, .UNRECOGNIZED(99)] as [Common_HeaderType] {
      #expect(try processor.processNormal(try message(user, type: type)) == 1)
    }
    let empty = try EnvelopeView(try Messages.message(channel.channelID, user, []))
    #expect(try processor.processNormal(empty) == 1)
  }

  @Test func `in maintenance mode transactions are refused for the time being`() throws {
    try channel.force { try $0.editConsensus { $0.state = .maintenance } }
    let refused = try refusal {
      try processor.processNormal(try message(try .ordererAdmin()))
    }
    #expect(refused.status == .serviceUnavailable)
    #expect(refused.reason == "normal transactions are rejected: maintenance mode")
  }
}
