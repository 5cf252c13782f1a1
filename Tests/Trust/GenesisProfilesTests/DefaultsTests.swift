// What a profile means where it says nothing.

import FabricProtos
import Testing

@testable import GenesisProfiles

@Suite("Defaults")
struct DefaultsTests {
  @Test("An empty Orderer section of 1.4 is solo with Fabric's batch limits and address")
  func emptyOrderer() throws {
    let orderer = try #require(try profile("    Orderer: {OrdererType: }\n").orderer)
    #expect(orderer.type.name == "solo")
    #expect(orderer.addresses == ["127.0.0.1:7050"])
    #expect(orderer.batchTimeout.duration == .seconds(2))
    #expect(
      orderer.batchSize
        == Profile.BatchSize(
          maxMessageCount: 500, absoluteMaxBytes: 10_485_760, preferredMaxBytes: 2_097_152))
    #expect(orderer.maxChannels == 0)
  }

  @Test("An empty list of addresses counts as absent in 1.4; 2.x has no default for it")
  func emptyAddresses() throws {
    #expect(
      try profile("    Orderer: {Addresses: []}\n").orderer?.addresses == ["127.0.0.1:7050"])
    #expect(
      try profile("    Capabilities: {V2_0: true}\n    Orderer: {OrdererType: solo}\n")
        .orderer?.addresses == [])
  }

  @Test("Kafka without brokers uses the local one")
  func kafkaBrokers() throws {
    let orderer = try #require(try profile("    Orderer: {OrdererType: kafka}\n").orderer)
    guard case .kafka(let brokers) = orderer.type else {
      Issue.record("not kafka")
      return
    }
    #expect(brokers == ["127.0.0.1:9092"])
  }

  @Test(
    "etcdraft options default as in Fabric, by release",
    arguments: [(ConfigtxDialect.fabric1, UInt32(20 << 20)), (.fabric2, 16 << 20)])
  func raftOptions(_ dialect: ConfigtxDialect, _ snapshotSize: UInt32) throws {
    let text = """
          Orderer:
            OrdererType: etcdraft
            EtcdRaft:
              Consenters:
                - {Host: h, Port: 7050, ClientTLSCert: c.pem, ServerTLSCert: /s.pem}
      """
    let orderer = try #require(try profile(text, dialect: dialect).orderer)
    guard case .etcdraft(let consenters, let options) = orderer.type else {
      Issue.record("not etcdraft")
      return
    }
    #expect(options.tickInterval == "500ms")
    #expect(options.electionTick == 10)
    #expect(options.heartbeatTick == 1)
    #expect(options.maxInflightBlocks == 5)
    #expect(options.snapshotIntervalSize == snapshotSize)
    #expect(
      consenters.first?.clientTLSCertificate == TestData.path("Tests/Fixtures/configtx/c.pem"))
    #expect(consenters.first?.serverTLSCertificate == "/s.pem")
  }

  @Test("1.4 gives groups without policies the default ones")
  func defaultPolicies() throws {
    let text = """
          Orderer:
            Organizations: &Organizations
              - {Name: Org1, ID: Org1MSP, MSPDir: ../crypto/org1.test/msp}
              - {Name: Dev, ID: Org2MSP, MSPDir: ../crypto/org2.test/msp, AdminPrincipal: Role.MEMBER}
          Consortiums: {C: {Organizations: *Organizations}}
      """
    let group = try profile(text).channelGroup()
    #expect(Set(group.policies.keys) == ["Readers", "Writers", "Admins"])
    let orderer = try #require(group.groups["Orderer"])
    #expect(Set(orderer.policies.keys) == ["Readers", "Writers", "Admins", "BlockValidation"])
    let admins = try Common_ImplicitMetaPolicy(
      serializedBytes: try #require(orderer.policies["Admins"]).policy.value)
    #expect(admins.rule == .majority && admins.subPolicy == "Admins")
    let validation = try Common_ImplicitMetaPolicy(
      serializedBytes: try #require(orderer.policies["BlockValidation"]).policy.value)
    #expect(validation.rule == .any && validation.subPolicy == "Writers")

    func role(_ organization: String, _ policy: String) throws -> Common_MSPRole {
      let entry = try #require(orderer.groups[organization]?.policies[policy])
      let envelope = try Common_SignaturePolicyEnvelope(serializedBytes: entry.policy.value)
      return try Common_MSPRole(serializedBytes: try #require(envelope.identities.first).principal)
    }
    #expect(try role("Org1", "Admins").role == .admin)
    #expect(try role("Org1", "Writers").role == .member)
    #expect(try role("Org1", "Writers").mspIdentifier == "Org1MSP")
    #expect(try role("Dev", "Admins").role == .member)
  }

  @Test("2.x refuses groups without policies, naming the first that is missing")
  func missingPolicies() throws {
    let error = try failure("    Capabilities: {V2_0: true}\n    Orderer: {OrdererType: solo}\n")
    #expect(error.kind == .missingSetting)
    #expect(error.key == "Policies")
    #expect(error.explanation.contains("Readers"))
    let second = try failure(
      """
          Capabilities: {V2_0: true}
          Policies: *Policies
          Orderer:
            Policies:
              Readers: {Type: ImplicitMeta, Rule: "ANY Readers"}
      """)
    #expect(second.key == "Orderer.Policies")
    #expect(second.explanation.contains("BlockValidation"))
  }

  @Test("Channel capabilities choose the dialect; a capability that is false does not count")
  func dialects() throws {
    func dialect(_ capabilities: String) throws -> ConfigtxDialect {
      try profile("    Capabilities: {\(capabilities)}\n").dialect
    }
    #expect(try dialect("V1_4_3: true, V2_0: false") == .fabric1)
    #expect(try dialect("V2_0: true") == .fabric2)
    #expect(try dialect("V2_0: true, V3_0: true") == .fabric3)
  }

  @Test("A capabilities section in which all are false makes an empty value, none makes no value")
  func emptyCapabilities() throws {
    let group = try profile("    Capabilities: {V1_1: false}\n").channelGroup()
    #expect(group.values["Capabilities"]?.value.isEmpty == true)
    #expect(try profile("    Consortium: C\n").channelGroup().values["Capabilities"] == nil)
  }

  @Test("A foreign organization is an empty group that only its admins may change")
  func foreignOrganization() throws {
    let text = """
          Consortium: C
          Application:
            Policies: *Policies
            Organizations: [{Name: Elsewhere, SkipAsForeign: true}]
      """
    let group = try profile(text).channelGroup()
    let organization = try #require(group.groups["Application"]?.groups["Elsewhere"])
    #expect(organization.modPolicy == "Admins")
    #expect(organization.values.isEmpty && organization.policies.isEmpty)
  }
}
