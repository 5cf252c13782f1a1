// Config updates of existing channels: what is made of them, and which are refused.

import ChannelConfig
import FabricProtos
import Foundation
import Membership
import ProcessingFixtures
import SwiftProtobuf
import Testing

@testable import MessageProcessing

@Suite struct ConfigUpdateTests {
  let channel: TestChannel
  let processor: StandardChannelProcessor

  init() throws {
    channel = try TestNetwork(.v20).channel()
    processor = StandardChannelProcessor(channel, environment: .test())
  }

  static func biggerBatch(_ group: inout Common_ConfigGroup) throws {
    try group.editBatchSize { $0.maxMessageCount += 1 }
  }

  func update(
    by signers: [TestIdentity], submitter: TestIdentity? = nil,
    edit: (inout Common_ConfigUpdate) throws -> Void = { _ in }
  ) throws -> EnvelopeView {
    var update = try ConfigDelta.update(channel.bundle, Self.biggerBatch)
    try edit(&update)
    return try Messages.update(
      channel.channelID, update, by: signers, submitter: try submitter ?? .ordererAdmin())
  }

  @Test func `an update becomes a signed CONFIG message with the update inside`() throws {
    let update = try update(by: [try .ordererAdmin()], submitter: try .user("user1"))
    let made = try processor.processConfigUpdate(update)
    #expect(made.sequence == 1)

    let envelope = try EnvelopeView(made.configEnvelope)
    let header = try Common_ChannelHeader(serializedBytes: Array(envelope.channelHeader))
    var expected = Common_ChannelHeader()
    expected.type = 1
    expected.channelID = channel.channelID
    expected.timestamp.seconds = 1_767_225_600
    #expect(header == expected)
    let parts = try envelope.signatureHeaderParts()
    #expect(Array(parts.creator) == channel.signer.serializedIdentity)
    #expect(Array(parts.nonce) == [UInt8](0..<24))
    #expect(throws: Never.self) {
      try MessageFilters(environment: .test()).check(envelope, channel.bundle)
    }

    let config = try Common_ConfigEnvelope(serializedBytes: Array(envelope.data))
    let lastUpdate: [UInt8] = try config.lastUpdate.serializedBytes()
    #expect(lastUpdate == update.bytes)
    #expect(config.config.sequence == 2)
    let next = try ConfigBundle(configEnvelope: made.configEnvelope)
    let before = try #require(channel.bundle.orderer).batchSize.maxMessageCount
    #expect(next.orderer?.batchSize.maxMessageCount == before + 1)
    #expect(throws: Never.self) { try channel.bundle.validate(config) }
  }

  @Test func `the same update gives the same config, byte for byte`() throws {
    let update = try update(by: [try .ordererAdmin()])
    let configs = try (0..<5).map { _ in
      Array(try EnvelopeView(try processor.processConfigUpdate(update).configEnvelope).data)
    }
    #expect(Set(configs).count == 1)
  }

  @Test func `an update that its signers may not make is a bad request`() throws {
    let signers = [
      [try TestIdentity.admin()], [], [try .ordererAdmin().claiming("Org1MSP")],
      [try .ordererNode()],
    ]
    for signers in signers {
      let refused = try refusal { try processor.processConfigUpdate(try update(by: signers)) }
      #expect(refused.status == .badRequest)
      #expect(
        refused.reason.hasPrefix(
          "error applying config update to existing channel 'newchannel': "))
    }
  }

  @Test func `whoever submits an update must satisfy the writers policy`() throws {
    for submitter in [try TestIdentity.user("peer0"), try .user("user1", org: 5)] {
      let update = try update(by: [try .ordererAdmin()], submitter: submitter)
      let refused = try refusal { try processor.processConfigUpdate(update) }
      #expect(refused.status == .forbidden)
      #expect(
        refused.reason.hasPrefix("config update for existing channel did not pass initial checks"))
    }
  }

  @Test func `an update computed from another config is a bad request`() throws {
    let stale = try update(by: [try .ordererAdmin()])
    try channel.force { group in
      try Self.biggerBatch(&group)
      group[group: "Orderer"].values["BatchSize"]?.version += 1
    }
    #expect(try refusal { try processor.processConfigUpdate(stale) }.status == .badRequest)
  }

  @Test func `an update with inconsistent versions is a bad request`() throws {
    let edits: [(inout Common_ConfigUpdate) -> Void] = [
      { $0.writeSet[group: "Orderer"].values["BatchSize"]?.version += 1 },
      { $0.readSet[group: "Orderer"].values["BatchTimeout", default: .init()].version = 5 },
      { $0.channelID = "otherchannel" },
      { $0.clearWriteSet() },
      { $0.writeSet = $0.readSet },
    ]
    for edit in edits {
      let update = try update(by: [try .ordererAdmin()], edit: edit)
      #expect(try refusal { try processor.processConfigUpdate(update) }.status == .badRequest)
    }
  }

  @Test func `a CONFIG_UPDATE without an update is a bad request`() throws {
    for data in [[], [UInt8](repeating: 0xFF, count: 30), Array("not a config update".utf8)] {
      let envelope = try EnvelopeView(
        try Messages.message(channel.channelID, try .admin(), data, type: .configUpdate))
      #expect(try refusal { try processor.processConfigUpdate(envelope) }.status == .badRequest)
    }
  }

  @Test func `an update to an invalid orderer config is a bad request`() throws {
    let edits: [(inout Common_ConfigGroup) throws -> Void] = [
      { $0[group: "Orderer"].values["BatchSize"]?.value = Data() },
      { try $0.editBatchSize { $0.preferredMaxBytes = $0.absoluteMaxBytes + 1 } },
      {
        try $0[group: "Orderer"].edit("BatchTimeout", as: Orderer_BatchTimeout.self) {
          $0.timeout = "soon"
        }
      },
      {
        try $0[group: "Orderer"].edit("NoSuchValue", as: Common_Metadata.self) {
          $0.value = Data("x".utf8)
        }
      },
      {
        try $0[group: "Orderer"].edit("Capabilities", as: Common_Capabilities.self) {
          $0.capabilities["V9_9"] = Common_Capability()
        }
      },
    ]
    for edit in edits {
      let update = try channel.update(by: [try .ordererAdmin()], edit)
      let refused = try refusal { try processor.processConfigUpdate(update) }
      #expect(refused.status == .badRequest)
      #expect(
        refused.reason.hasPrefix(
          "error applying config update to existing channel 'newchannel': "))
    }
  }

  @Test func `an update that names an unsupported capability is refused by that name`() throws {
    let update = try channel.update(by: [try .ordererAdmin()]) {
      try $0[group: "Orderer"].edit("Capabilities", as: Common_Capabilities.self) {
        $0.capabilities["V9_9"] = Common_Capability()
      }
    }
    #expect(try refusal { try processor.processConfigUpdate(update) }.reason.contains("V9_9"))
  }

  @Test func `an update that the consenter refuses is refused`() throws {
    channel.refusesMetadata.withLock { $0 = true }
    let refused = try refusal {
      try processor.processConfigUpdate(try update(by: [try .ordererAdmin()]))
    }
    #expect(refused.status == .badRequest)
    #expect(refused.reason.hasSuffix("metadata refused, new channel: false"))
  }

  @Test func `a config message that outgrows the absolute maximum is a bad request`() throws {
    // The update fits, the config with the update in it does not.
    let update = try update(by: [try .ordererAdmin()])
    try channel.force {
      try $0.editBatchSize {
        $0.absoluteMaxBytes = UInt32(update.bytes.count + 10_000)
        $0.preferredMaxBytes = $0.absoluteMaxBytes
      }
    }
    let refused = try refusal { try processor.processConfigUpdate(update) }
    #expect(refused.status == .badRequest)
    #expect(
      refused.reason.hasPrefix(
        "config update for existing channel did not pass final checks: message payload is"))
  }

  @Test func `a node that may not write itself cannot make config messages`() throws {
    let stranger = TestChannel(channel.bundle, signer: try TestIdentity.user("user1", org: 5))
    let processor = StandardChannelProcessor(stranger, environment: .test())
    let update = try update(by: [try .ordererAdmin()])
    let refused = try refusal { try processor.processConfigUpdate(update) }
    #expect(refused.status == .forbidden)
    #expect(
      refused.reason.hasPrefix("config update for existing channel did not pass final checks"))
  }

  @Test func `a node whose key store refuses to sign says so`() throws {
    struct Broken: Signer {
      struct Failure: Error {}
      let serializedIdentity: [UInt8] = []
      func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8] { throw Failure() }
    }
    let processor = StandardChannelProcessor(
      TestChannel(channel.bundle, signer: Broken()), environment: .test())
    let update = try update(by: [try .ordererAdmin()])
    let refused = try refusal { try processor.processConfigUpdate(update) }
    #expect(refused.status == .internalServerError)
    #expect(refused.reason.contains("could not sign"))
  }

  @Test func `an update with groups where none belong, at any depth, is a bad request`() throws {
    let signers = [try TestIdentity.ordererAdmin(), try .admin(), try .admin(org: 2)]
    for depth in [0, 1, 20, 47, 48, 49, 50, 51, 97, 98, 99, 100, 101] {
      var group = Common_ConfigGroup()
      group.modPolicy = "/Channel/Admins"
      for _ in 0..<depth {
        let inner = group
        group.groups = ["deeper": inner]
      }
      for place in ["Channel", "Application", "Org1"] {
        let update = try channel.update(by: signers) { root in
          switch place {
          case "Channel": root.groups["Extra"] = group
          case "Application": root[group: place].groups["Extra"] = group
          default: root[group: "Application"][group: place].groups["Extra"] = group
          }
        }
        let refused = try refusal { try processor.processConfigUpdate(update) }
        #expect(refused.status == .badRequest)
      }
    }
  }

  // MARK: Config messages ordered against an older config

  @Test func `a CONFIG message is made anew from the update within it`() throws {
    let made = try processor.processConfigUpdate(try update(by: [try .ordererAdmin()]))
    try channel.force { group in
      try group[group: "Orderer"].edit("BatchTimeout", as: Orderer_BatchTimeout.self) {
        $0.timeout = "7s"
      }
    }
    let again = try processor.processConfig(try EnvelopeView(made.configEnvelope))
    #expect(again.sequence == 2)
    let next = try ConfigBundle(configEnvelope: again.configEnvelope)
    #expect(next.sequence == 3)
    #expect(next.orderer?.batchTimeout == .seconds(7))
  }

  @Test func `a CONFIG message whose update no longer applies is a bad request`() throws {
    let made = try processor.processConfigUpdate(try update(by: [try .ordererAdmin()]))
    channel.bundle = try ConfigBundle(configEnvelope: made.configEnvelope)
    let refused = try refusal {
      try processor.processConfig(try EnvelopeView(made.configEnvelope))
    }
    #expect(refused.status == .badRequest)
  }

  @Test func `what is no CONFIG message, or lacks its update, is a bad request`() throws {
    let node = try TestIdentity.ordererNode()
    func process(_ data: [UInt8], _ type: Common_HeaderType) throws -> ProcessingError {
      let envelope = try EnvelopeView(
        try Messages.message(channel.channelID, node, data, type: type))
      return try refusal { try processor.processConfig(envelope) }
    }
    var config = Common_ConfigEnvelope()
    config.config = channel.bundle.config
    #expect(try process(try config.serializedBytes(), .message).status == .badRequest)
    #expect(try process(try config.serializedBytes(), .config).status == .badRequest)
    #expect(try process([UInt8](repeating: 0xFF, count: 9), .config).status == .badRequest)
    config.lastUpdate = Common_Envelope()
    #expect(try process(try config.serializedBytes(), .config).status == .badRequest)
  }
}
