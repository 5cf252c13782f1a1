// Channel creation: what is made of a creation transaction, and which are refused.

import ChannelConfig
import FabricProtos
import Foundation
import MessageProcessing
import ProcessingFixtures
import SwiftProtobuf
import Testing

@testable import SystemChannel

@Suite struct ChannelCreationTests {
  static func refused(
    _ network: TestNetwork, _ envelope: EnvelopeView
  ) throws -> ProcessingError {
    try refusal { try network.processor.processConfigUpdate(envelope) }
  }

  @Test(arguments: Style.allCases)
  func `a creation becomes an ORDERER_TRANSACTION that wraps the new channel's CONFIG`(
    style: Style
  ) throws {
    let network = try TestNetwork(style)
    let creation = try network.creation()
    let made = try network.processor.processConfigUpdate(creation)
    #expect(made.sequence == 0)
    let outer = try EnvelopeView(made.configEnvelope)
    #expect(outer.headerType == 4)
    #expect(outer.channelID == "syschannel")
    #expect(
      Array(try outer.signatureHeaderParts().creator) == network.system.signer.serializedIdentity)
    let inner = try EnvelopeView(Array(outer.data))
    #expect(inner.headerType == 1)
    #expect(inner.channelID == "newchannel")
    let config = try Common_ConfigEnvelope(serializedBytes: Array(inner.data))
    let lastUpdate: [UInt8] = try config.lastUpdate.serializedBytes()
    #expect(lastUpdate == creation.bytes)

    let bundle = try ConfigBundle(configEnvelope: Array(outer.data))
    #expect(bundle.sequence == 1)
    #expect(bundle.consortiums == nil)
    #expect(bundle.channel.consortiumName == "SampleConsortium")
    #expect(bundle.application.map { Set($0.organizations.keys) } == ["Org1", "Org2"])
    #expect(bundle.config.channelGroup.groups["Application"]?.version == 1)
    #expect(bundle.config.channelGroup.groups["Application"]?.modPolicy == "Admins")
  }

  @Test(arguments: [["Org1"], ["Org4"], ["Org1", "Org2", "Org3", "Org4"]])
  func `any of the consortium's organizations can form a channel`(orgs: [String]) throws {
    let network = try TestNetwork(.v20)
    let first = try #require(Int(orgs[0].dropFirst(3)))
    let creation = try network.creation(orgs: orgs, signers: [try .admin(org: first)])
    #expect(throws: Never.self) { try network.processor.processConfigUpdate(creation) }
  }

  @Test func `who submits a creation does not matter`() throws {
    let network = try TestNetwork(.v20)
    let creation = try network.creation(submitter: try .admin(org: 5))
    #expect(throws: Never.self) { try network.processor.processConfigUpdate(creation) }
  }

  @Test(arguments: Style.allCases)
  func `a creation that breaks a rule of the consortium is a bad request`(style: Style) throws {
    let network = try TestNetwork(style)
    let org1 = try TestIdentity.admin()
    let notSigned = "could not successfully apply update to template configuration"
    let cases = [
      (try network.creation(orgs: ["Org1", "Org5"]), "'Org5' which is not in consortium"),
      (
        try network.creation(orgs: ["Org1", "Org2", "Org3", "Org4", "Org5"]),
        "'Org5' which is not in consortium"
      ),
      (try network.creation(orgs: []), "no application group members"),
      (
        try network.creation(consortium: "NoSuchConsortium"),
        "unknown consortium name: 'NoSuchConsortium'"
      ),
      (try network.creation(signers: [try .admin(org: 5)]), notSigned),
      (try network.creation(signers: [try .admin(org: 3)]), notSigned),
      (try network.creation(signers: [try .user("user1")]), notSigned),
      (try network.creation(signers: [], submitter: org1), notSigned),
    ]
    for (creation, reason) in cases {
      let refused = try Self.refused(network, creation)
      #expect(refused.status == .badRequest)
      #expect(refused.reason.contains(reason), "\(refused.reason)")
    }
  }

  @Test(arguments: Style.allCases)
  func `a creation that lacks a required part is a bad request`(style: Style) throws {
    let network = try TestNetwork(style)
    let cases: [(String, (inout Common_ConfigUpdate) -> Void)] = [
      ("empty write set", { $0.clearWriteSet() }),
      ("no application group", { $0.writeSet.groups["Application"] = nil }),
      ("version to 1, but to 0", { $0.writeSet.groups["Application"]?.version = 0 }),
      ("version to 1, but to 2", { $0.writeSet.groups["Application"]?.version = 2 }),
      ("no consortium value", { $0.writeSet.values["Consortium"] = nil }),
      (
        "consortium value is not a valid protobuf message",
        { $0.writeSet.values["Consortium"]?.value = Data([0xFF]) }
      ),
      ("names two channels", { $0.channelID = "othername" }),
    ]
    for (reason, edit) in cases {
      let refused = try Self.refused(network, try network.creation(edit: edit))
      #expect(refused.status == .badRequest)
      #expect(refused.reason.contains(reason), "\(refused.reason)")
    }
  }

  @Test(arguments: [
    "UPPER", "with_underscore", "1digit", "-dash", "spa ce", "sl/ash", "ünicode", "",
    String(repeating: "x", count: 250),
  ])
  func `a name that channels cannot have is a bad request`(name: String) throws {
    let network = try TestNetwork(.v20)
    let refused = try Self.refused(network, try network.creation(name))
    #expect(refused.status == .badRequest)
  }

  @Test(arguments: ["a.b-c9", String(repeating: "x", count: 249)])
  func `dots, dashes, digits and long names are allowed`(name: String) throws {
    let network = try TestNetwork(.v20)
    let creation = try network.creation(name)
    #expect(throws: Never.self) { try network.processor.processConfigUpdate(creation) }
  }

  @Test func `an existing channel is not created again`() throws {
    let network = try TestNetwork(
      .v20, directory: TestDirectory(channelCount: 2, names: ["newchannel"]))
    let refused = try Self.refused(network, try network.creation())
    #expect(refused == .badRequest("channel 'newchannel' exists already"))
    // Its own processor is the one to get such a message, and refuses it as well.
    let channel = try TestNetwork(.v20).channel()
    let processor = StandardChannelProcessor(channel, environment: .test())
    let again = try refusal { try processor.processConfigUpdate(try network.creation()) }
    #expect(again.status == .badRequest)
  }

  @Test func `the system channel's name cannot be taken`() throws {
    let network = try TestNetwork(.v20)
    let refused = try Self.refused(network, try network.creation("syschannel"))
    #expect(refused.status == .forbidden)
  }

  @Test func `the number of channels is limited, not counting the system channel`() throws {
    func network(_ channels: Int, limit: UInt64) throws -> TestNetwork {
      try TestNetwork(.v20, directory: TestDirectory(channelCount: channels)) { group in
        try group[group: "Orderer"].edit(
          "ChannelRestrictions", as: Orderer_ChannelRestrictions.self
        ) { $0.maxCount = limit }
      }
    }
    let below = try network(2, limit: 2)
    #expect(throws: Never.self) {
      try below.processor.processConfigUpdate(try below.creation())
    }
    let above = try network(3, limit: 2)
    let refused = try Self.refused(above, try above.creation())
    #expect(
      refused == .badRequest("channel creation would exceed maximum number of channels: 2"))
    let unlimited = try network(1_000_000, limit: 0)
    #expect(throws: Never.self) {
      try unlimited.processor.processConfigUpdate(try unlimited.creation())
    }
  }

  @Test func `a creation that outgrows the absolute maximum is a bad request`() throws {
    func network(limit: UInt32) throws -> TestNetwork {
      try TestNetwork(.v20) {
        try $0.editBatchSize {
          $0.absoluteMaxBytes = limit
          $0.preferredMaxBytes = limit
        }
      }
    }
    let creation = try network(limit: 300_000).creation()
    // Too large by itself, and fitting by itself but not with the config made from it.
    for limit in [500, UInt32(creation.bytes.count + 1000)] {
      let refused = try Self.refused(try network(limit: limit), creation)
      #expect(refused.status == .badRequest)
      #expect(refused.reason.contains("exceeds maximum allowed \(limit) bytes"))
    }
  }

  @Test func `a consortium without members lets anybody be a member`() throws {
    // What the policy of such a consortium asks for is up to nobody, so that all may create.
    let network = try TestNetwork(.v20) {
      $0[group: "Consortiums"][group: "SampleConsortium"].groups = [:]
    }
    let creation = try network.creation(orgs: [], signers: [])
    #expect(throws: Never.self) { try network.processor.processConfigUpdate(creation) }
  }

  @Test func `a system channel without consortiums creates no channels`() throws {
    let network = try TestNetwork(.v20) { $0.groups["Consortiums"] = nil }
    let refused = try Self.refused(network, try network.creation())
    #expect(refused.status == .badRequest)
    #expect(refused.reason.contains("no consortiums"))
  }

  @Test func `a creation with an unsupported capability is a bad request`() throws {
    let network = try TestNetwork(.v20)
    // The application's capabilities are the peers' business; those of the orderer are not written
    // by a creation, so that the template has to require them.
    try network.system.force {
      try $0[group: "Orderer"].edit("Capabilities", as: Common_Capabilities.self) {
        $0.capabilities["V9_9"] = Common_Capability()
      }
    }
    let refused = try Self.refused(network, try network.creation())
    #expect(refused.status == .badRequest)
    #expect(refused.reason.contains("V9_9"))
  }

  @Test func `no channels are created in maintenance mode`() throws {
    let network = try TestNetwork(.v20) { try $0.editConsensus { $0.state = .maintenance } }
    let refused = try Self.refused(network, try network.creation())
    #expect(refused.status == .serviceUnavailable)
    #expect(refused.reason == "channel creation is not permitted: maintenance mode")
  }

  @Test func `a creation that the consenter refuses is refused`() throws {
    let network = try TestNetwork(.v20)
    network.system.refusesMetadata.withLock { $0 = true }
    let refused = try Self.refused(network, try network.creation())
    #expect(refused.status == .badRequest)
    #expect(refused.reason.hasSuffix("metadata refused, new channel: true"))
  }

  // MARK: Creations ordered against an older config

  @Test func `an ORDERER_TRANSACTION is made anew, even if its channel exists by now`() throws {
    let network = try TestNetwork(.v20)
    let made = try network.processor.processConfigUpdate(try network.creation())
    try network.system.force { try $0.editBatchSize { $0.maxMessageCount = 77 } }
    let later = SystemChannelProcessor(
      network.system, directory: TestDirectory(channelCount: 2, names: ["newchannel"]),
      environment: .test())
    let again = try later.processConfig(try EnvelopeView(made.configEnvelope))
    #expect(again.sequence == 1)
    let bundle = try ConfigBundle(
      configEnvelope: Array(try EnvelopeView(again.configEnvelope).data))
    #expect(bundle.orderer?.batchSize.maxMessageCount == 77)
  }

  @Test func `a CONFIG of the system channel is made anew from the update within it`() throws {
    let network = try TestNetwork(.v20)
    let update = try network.system.update(by: [try .ordererAdmin()]) {
      try $0.editBatchSize { $0.maxMessageCount = 77 }
    }
    let made = try network.processor.processConfigUpdate(update)
    #expect(try EnvelopeView(made.configEnvelope).headerType == 1)
    let again = try network.processor.processConfig(try EnvelopeView(made.configEnvelope))
    #expect(try ConfigBundle(configEnvelope: again.configEnvelope).sequence == 1)
  }

  @Test func `config messages that hold something else are bad requests`() throws {
    let network = try TestNetwork(.v20)
    let node = try TestIdentity.ordererNode()
    let made = try network.processor.processConfigUpdate(try network.creation())
    let inner = Array(try EnvelopeView(made.configEnvelope).data)
    let wrong: [([UInt8], Common_HeaderType)] = [
      (inner, .message), (inner, .config), ([], .ordererTransaction),
      ([0xFF, 0xFF], .ordererTransaction), (try network.creation().bytes, .ordererTransaction),
    ]
    for (data, type) in wrong {
      let envelope = try EnvelopeView(try Messages.message("syschannel", node, data, type: type))
      let refused = try refusal { try network.processor.processConfig(envelope) }
      #expect(refused.status == .badRequest)
    }
  }

  @Test func `the filter refuses a transaction whose config differs from the template's`() throws {
    let network = try TestNetwork(.v20)
    let node = try TestIdentity.ordererNode()
    let filter = ChannelCreationFilter(
      resources: network.system, directory: TestDirectory(),
      template: ChannelTemplate(logger: ProcessingEnvironment.test().logger))
    let made = try network.processor.processConfigUpdate(try network.creation())
    let inner = try EnvelopeView(Array(try EnvelopeView(made.configEnvelope).data))
    func check(
      as channelID: String = "newchannel", _ edit: (inout Common_ConfigEnvelope) -> Void
    ) throws {
      var config = try Common_ConfigEnvelope(serializedBytes: Array(inner.data))
      edit(&config)
      let wrapped = try Messages.message(
        channelID, node, try config.serializedBytes(), type: .config)
      let outer = try Messages.message("syschannel", node, wrapped, type: .ordererTransaction)
      try filter.check(try EnvelopeView(outer), network.system.bundle)
    }
    #expect(throws: Never.self) { try check { _ in } }
    let forgeries: [(inout Common_ConfigEnvelope) -> Void] = [
      { $0.config.sequence = 2 },
      { $0.config.channelGroup.policies["Writers"] = nil },
      { $0.config.channelGroup.modPolicy = "Writers" },
      { $0.clearLastUpdate() },
      { $0.clearConfig() },
    ]
    for forgery in forgeries {
      #expect(try refusal { try check(forgery) }.status == .badRequest)
    }
    #expect(try refusal { try check(as: "elsewhere") { _ in } }.status == .badRequest)
  }
}
