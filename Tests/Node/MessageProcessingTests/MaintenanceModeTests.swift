// Consensus-type migration: which config changes are possible in and out of maintenance mode.

import ChannelConfig
import FabricProtos
import Foundation
import ProcessingFixtures
import SwiftProtobuf
import Testing

@testable import MessageProcessing

@Suite struct MaintenanceModeTests {
  typealias Edit = @Sendable (inout Common_ConfigGroup) throws -> Void

  let channel: TestChannel
  let processor: StandardChannelProcessor

  init() throws {
    channel = try TestNetwork(.v20).channel()
    processor = StandardChannelProcessor(channel, environment: .test())
  }

  static func consensus(
    type: String? = nil, state: Orderer_ConsensusType.State? = nil, metadata: [UInt8]? = nil
  ) -> Edit {
    { group in
      try group.editConsensus {
        if let type { $0.type = type }
        if let state { $0.state = state }
        if let metadata { $0.metadata = Data(metadata) }
      }
    }
  }

  /// What the processor makes of a config update.
  func apply(_ edits: Edit...) throws -> (configEnvelope: [UInt8], sequence: UInt64) {
    let update = try channel.update(by: [try .ordererAdmin(), try .admin(), try .admin(org: 2)]) {
      for edit in edits { try edit(&$0) }
    }
    return try processor.processConfigUpdate(update)
  }

  func refusal(_ edits: Edit...) throws -> ProcessingError {
    try ProcessingFixtures.refusal {
      let update = try channel.update(by: [try .ordererAdmin(), try .admin(), try .admin(org: 2)]) {
        for edit in edits { try edit(&$0) }
      }
      return try processor.processConfigUpdate(update)
    }
  }

  @Test func `a channel can go into maintenance mode and back, changing nothing else`() throws {
    let entered = try apply(Self.consensus(state: .maintenance))
    channel.bundle = try ConfigBundle(configEnvelope: entered.configEnvelope)
    #expect(channel.bundle.orderer?.consensusState == .maintenance)
    let left = try apply(Self.consensus(state: .normal))
    #expect(
      try ConfigBundle(configEnvelope: left.configEnvelope).orderer?.consensusState == .normal)
  }

  @Test func `the switch into maintenance mode does not go with other changes`() throws {
    let maintenance = Self.consensus(state: .maintenance)
    let others: [Edit] = [
      { try $0.editBatchSize { $0.maxMessageCount += 1 } },
      {
        try $0.edit("OrdererAddresses", as: Common_OrdererAddresses.self) {
          $0.addresses.append("b:1")
        }
      },
      { $0[group: "Application"].policies["New"] = $0[group: "Application"].policies["Admins"] },
      {
        try $0[group: "Orderer"][group: "OrdererOrg"].edit(
          "Endpoints", as: Common_OrdererAddresses.self
        ) { $0.addresses.append("b:1") }
      },
      Self.consensus(type: "kafka"),
      Self.consensus(metadata: [8, 1]),
    ]
    for other in others {
      let refused = try refusal(maintenance, other)
      #expect(refused.status == .badRequest)
      #expect(
        refused.reason.hasPrefix(
          "config update for existing channel did not pass maintenance checks: "))
    }
  }

  @Test func `the consensus type does not change outside of maintenance mode`() throws {
    let refused = try refusal(Self.consensus(type: "kafka"))
    #expect(refused.status == .badRequest)
    #expect(
      refused.reason.hasSuffix("current config ConsensusType.State is not in maintenance mode"))
  }

  @Test func `in maintenance mode the consensus type can change to a known one`() throws {
    try channel.force(Self.consensus(state: .maintenance))
    let metadata: [UInt8] = try Etcdraft_ConfigMetadata().serializedBytes()
    let made = try apply(Self.consensus(type: "etcdraft", metadata: metadata))
    #expect(
      try ConfigBundle(configEnvelope: made.configEnvelope).orderer?.consensusType == "etcdraft")
    #expect(try refusal(Self.consensus(type: "paxos")).reason.hasSuffix("transition not supported"))
    let malformed = try refusal(Self.consensus(type: "etcdraft", metadata: [0xFF]))
    #expect(malformed.reason.contains("etcdraft metadata"))
  }

  @Test func `the consensus type does not change on the way out of maintenance mode`() throws {
    try channel.force(Self.consensus(state: .maintenance))
    #expect(try refusal(Self.consensus(type: "kafka", state: .normal)).status == .badRequest)
  }

  @Test func `in maintenance mode only orderer organizations can submit updates`() throws {
    try channel.force(Self.consensus(state: .maintenance))
    let update = try channel.update(by: [try .ordererAdmin()], submitter: try .admin()) {
      try $0.editBatchSize { $0.maxMessageCount += 1 }
    }
    let refused = try ProcessingFixtures.refusal { try processor.processConfigUpdate(update) }
    #expect(refused.status == .forbidden)
  }

  // What follows is refused here and not by Go's orderer, so only before it is ordered.

  private func expectOrdered(_ edit: Edit) throws {
    let update = try channel.update(by: [try .ordererAdmin()], edit)
    let proposed = try channel.bundle.proposeConfigUpdate(envelope: update.bytes)
    let message = try SignedEnvelopeMaker(environment: .test()).envelope(
      .config, channelID: channel.channelID, data: try serialize(proposed), signer: channel.signer)
    _ = try processor.processConfig(EnvelopeView(message))
  }

  @Test func `nothing leads to kafka, or from kafka to solo`() throws {
    try channel.force(Self.consensus(state: .maintenance))
    let away = Self.consensus(type: "kafka")
    #expect(
      try refusal(away)
        == .badRequest(
          """
          config update for existing channel did not pass maintenance checks: attempted to change consensus type \
          from solo to kafka, transition not supported
          """))
    try expectOrdered(away)
  }

  @Test func `before the restart a channel can go back to the type it is ordered with`() throws {
    try channel.force(Self.consensus(type: "etcdraft", state: .maintenance))
    let made = try apply(Self.consensus(type: "solo", metadata: []))
    #expect(try ConfigBundle(configEnvelope: made.configEnvelope).orderer?.consensusType == "solo")
  }

  @Test func `nothing else changes between the change of the type and the restart`() throws {
    try channel.force(Self.consensus(type: "etcdraft", state: .maintenance))
    let updates: [Edit] = [
      Self.consensus(state: .normal), Self.consensus(metadata: [8, 1]),
      { try $0.editBatchSize { $0.maxMessageCount += 1 } },
    ]
    for update in updates {
      let refused = try refusal(update)
      #expect(refused.status == .serviceUnavailable)
      #expect(refused.reason.contains("this orderer still orders the channel with solo"))
      try expectOrdered(update)
    }
  }

  @Test func `what the new consenter cannot begin with is refused`() throws {
    try channel.force(Self.consensus(state: .maintenance))
    channel.foundingRefusal.withLock { $0 = "empty consenter set" }
    let migrate = Self.consensus(type: "etcdraft", metadata: [])
    let refused = try refusal(migrate)
    #expect(
      refused
        == .badRequest(
          """
          config update for existing channel did not pass maintenance checks: empty consenter set
          """))
    try expectOrdered(migrate)
    channel.foundingRefusal.withLock { $0 = nil }
    _ = try apply(migrate)
  }

  @Test func `without the capability neither the state nor the type can change`() throws {
    try channel.force { group in
      var capabilities = Common_Capabilities()
      capabilities.capabilities["V1_1"] = Common_Capability()
      group[group: "Orderer"].values["Capabilities"]?.value = try capabilities.serializedData()
    }
    let state = try refusal(Self.consensus(state: .maintenance))
    #expect(state.status == .badRequest)
    #expect(state.reason.hasSuffix("but capability is disabled"))
    #expect(try refusal(Self.consensus(type: "kafka")).status == .badRequest)
  }
}
