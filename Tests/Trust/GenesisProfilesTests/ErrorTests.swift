// Mistakes in a configtx.yaml are told by file, profile, setting and value.

import Foundation
import Testing

@testable import GenesisProfiles

@Suite("Errors")
struct ErrorTests {
  @Test("A missing profile is told with the ones there are")
  func missingProfile() throws {
    let error = try #require(
      #expect(throws: GenesisError.self) { try TestData.document().profile("Nope") })
    #expect(error.kind == .unknownProfile)
    #expect(error.description.contains("profile Nope"))
    #expect(error.description.contains("SystemSoloV14"))
    #expect(error.file.hasSuffix("configtx.yaml"))
  }

  @Test("A missing file is told with the folders that were searched")
  func missingFile() throws {
    let error = try #require(
      #expect(throws: GenesisError.self) {
        try ProfileDocument(
          searchingFrom: "/nowhere/b", environment: ["FABRIC_CFG_PATH": "/nowhere/a"])
      })
    #expect(error.kind == .unreadableFile)
    #expect(error.description.contains("/nowhere/a, /nowhere/b"))
    #expect(throws: GenesisError.self) { try ProfileDocument(contentsOf: "/nowhere/x.yaml") }
    #expect(throws: GenesisError.self) { try ProfileDocument(contentsOf: "/") }
    let fixture = TestData.path("Tests/Fixtures/configtx")
    #expect(try ProfileDocument(searchingFrom: fixture, environment: [:]).warnings == [])
    let found = try ProfileDocument(
      searchingFrom: fixture, environment: ["FABRIC_CFG_PATH": "/nowhere"])
    #expect(found.names.count == 7)
    #expect(found.warnings.count == 1)
  }

  @Test("An unknown orderer type is told with the known ones")
  func unknownOrdererType() throws {
    let error = try failure("    Orderer: {OrdererType: raft}\n")
    #expect(error.kind == .invalidValue)
    #expect(error.key == "Orderer.OrdererType")
    #expect(error.value == "raft")
    #expect(error.explanation.contains("solo, kafka, etcdraft"))
    #expect(
      try failure("    Orderer: {OrdererType: BFT}\n").explanation.contains("V3_0"))
    #expect(
      try failure("    Capabilities: {V3_0: true}\n    Orderer: {OrdererType: kafka}\n")
        .explanation.contains("removed"))
  }

  @Test("A bad policy rule is told with its place")
  func badPolicyRule() throws {
    let signature = try failure(
      "    Policies:\n      Writers: {Type: Signature, Rule: \"OR('Org1MSP.king')\"}\n")
    #expect(signature.kind == .invalidValue)
    #expect(signature.key == "Policies.Writers")
    #expect(signature.value == "OR('Org1MSP.king')")
    let implicit = try failure(
      "    Policies:\n      Writers: {Type: ImplicitMeta, Rule: SOME Writers}\n")
    #expect(implicit.explanation.contains("ANY"))
    let type = try failure("    Policies:\n      Writers: {Type: Magic, Rule: x}\n")
    #expect(type.value == "Magic")
    #expect(type.explanation.contains("ImplicitMeta"))
    let name = try failure("    Policies:\n      a/b: {Type: ImplicitMeta, Rule: ANY b}\n")
    #expect(name.value == "a/b")
    #expect(try failure("    Policies: {Writers: {Type: Signature}}\n").kind == .missingSetting)
  }

  @Test("A missing MSP folder is told with the organization and the resolved path")
  func missingMSP() throws {
    let error = try failure(
      """
          Application:
            Organizations:
              - {Name: Org9, ID: Org9MSP, MSPDir: ../crypto/org9/msp}
      """)
    #expect(error.kind == .unusableMSP)
    #expect(error.key == "Application.Organizations[0].MSPDir")
    #expect(error.value?.hasSuffix("Tests/Fixtures/crypto/org9/msp") == true)
    #expect(error.explanation.contains("Org9"))
    #expect(
      try failure("    Application: {Organizations: [{Name: O, ID: M}]}\n").key
        == "Application.Organizations[0].MSPDir")
    #expect(
      try failure(
        "    Application: {Organizations: [{Name: O, ID: M, MSPDir: d, MSPType: idemix}]}\n"
      ).value == "idemix")
  }

  @Test("A bad byte size is told with its place and its value")
  func badByteSize() throws {
    let error = try failure("    Orderer:\n      BatchSize: {AbsoluteMaxBytes: 10 XB}\n")
    #expect(error.key == "Orderer.BatchSize.AbsoluteMaxBytes")
    #expect(error.value == "10 XB")
    #expect(error.line == 10)
    let large = try failure("    Orderer: {BatchSize: {AbsoluteMaxBytes: 5 GB}}\n")
    #expect(large.explanation.contains("too large"))
    let inverse = try failure(
      "    Orderer: {BatchSize: {AbsoluteMaxBytes: 1 KB, PreferredMaxBytes: 1 MB}}\n")
    #expect(inverse.key == "Orderer.BatchSize.PreferredMaxBytes")
  }

  @Test(
    "Values of the wrong kind are refused",
    arguments: [
      ("Orderer: {BatchTimeout: 2}", "Orderer.BatchTimeout"),
      ("Orderer: {BatchTimeout: -2s}", "Orderer.BatchTimeout"),
      ("Orderer: {MaxChannels: many}", "Orderer.MaxChannels"),
      ("Orderer: {Capabilities: {V1_1: maybe}}", "Orderer.Capabilities.V1_1"),
      ("Orderer: solo", "Orderer"),
      ("Orderer: {OrdererType: [solo]}", "Orderer.OrdererType"),
      ("Orderer: {Addresses: [{a: 1}]}", "Orderer.Addresses[0]"),
      ("Consortiums: {C: {Organizations: [~]}}", "Consortiums.C.Organizations[0]"),
      ("Application: {Organizations: [{ID: x}]}", "Application.Organizations[0].Name"),
      ("Orderer: {OrdererTyp: solo}", "Orderer.OrdererTyp"),
      ("Orderer: {OrdererType: solo, orderertype: kafka}", "Orderer.orderertype"),
      ("Orderer: {OrdererType: etcdraft}", "Orderer.EtcdRaft"),
      ("Orderer: {OrdererType: etcdraft, EtcdRaft: {}}", "Orderer.EtcdRaft.Consenters"),
      (
        "Orderer: {OrdererType: etcdraft, EtcdRaft: {Consenters: [{Host: h, Port: 70500}]}}",
        "Orderer.EtcdRaft.Consenters[0].Port"
      ),
      (
        "Orderer: {OrdererType: etcdraft, EtcdRaft: {Options: {ElectionTick: 1}}}",
        "Orderer.EtcdRaft.Options.ElectionTick"
      ),
      (
        "Orderer: {OrdererType: etcdraft, EtcdRaft: {Options: {TickInterval: soon}}}",
        "Orderer.EtcdRaft.Options.TickInterval"
      ),
    ])
  func wrongKind(_ text: String, _ key: String) throws {
    let error = try failure("    \(text)\n")
    #expect(error.key == key)
    #expect(error.profile == "P")
  }

  @Test("A missing certificate file of a consenter is told with its path")
  func missingCertificate() throws {
    let error = try failure(
      """
          Orderer:
            OrdererType: etcdraft
            EtcdRaft:
              Consenters: [{Host: h, Port: 1, ClientTLSCert: /no/c.pem, ServerTLSCert: /no/s.pem}]
      """)
    #expect(error.kind == .unreadableFile)
    #expect(error.value == "/no/c.pem")
  }

  @Test("V3_0 refuses channel-wide addresses and wants endpoints of organizations")
  func version3() throws {
    let start = "    Capabilities: {V3_0: true}\n    Policies: *Policies\n    Orderer:\n"
    let policies = "      Policies: *Policies\n"
    #expect(
      try failure(start + policies + "      Addresses: [a:1]\n").explanation
        .contains("OrdererEndpoints"))
    let error = try failure(
      start + policies + """
              Organizations:
                - {Name: O, ID: Org1MSP, MSPDir: ../crypto/org1.test/msp, Policies: *Policies}
        """)
    #expect(error.explanation.contains("OrdererEndpoints"))
  }

  @Test("A genesis block needs an Orderer, Consortiums or Application, and a lawful channel name")
  func unsuitable() throws {
    func error(_ text: String, _ channel: String = "c") throws -> GenesisError {
      try #require(
        #expect(throws: GenesisError.self) {
          try GenesisBlockFactory.block(profile: try profile(text), channelID: channel, now: Date())
        })
    }
    #expect(try error("    Consortium: C\n").kind == .unsuitableProfile)
    #expect(try error("    Orderer: {OrdererType: solo}\n").kind == .unsuitableProfile)
    let complete = "    Orderer: {OrdererType: solo}\n    Consortiums: {C: }\n"
    for name in ["", "Upper", "1st", "a_b", "a b", String(repeating: "a", count: 250), "é"] {
      #expect(try error(complete, name).kind == .invalidChannelID)
    }
    #expect(throws: Never.self) {
      try GenesisBlockFactory.block(profile: try profile(complete), channelID: "a.b-1", now: Date())
    }
    let foreign = """
          Orderer: {Organizations: [{Name: Elsewhere, SkipAsForeign: true}]}
          Consortiums: {C: }
      """
    #expect(try error(foreign).value == "Elsewhere")
  }

  @Test("A channel creation needs a consortium and an application")
  func unsuitableForCreation() throws {
    for text in ["    Consortium: C\n", "    Application: {Policies: *Policies}\n"] {
      let error = try #require(
        #expect(throws: GenesisError.self) {
          try ChannelCreation.configUpdate(profile: try profile(text), channelID: "c")
        })
      #expect(error.kind == .unsuitableProfile)
    }
  }
}
