// Which configs may follow a config.

import FabricProtos
import Foundation
import Membership
import Testing

@testable import ChannelConfig

@Suite("A config that follows another")
struct SuccessorTests {
  func refusal(
    _ block: String, _ change: (inout Common_ConfigGroup) throws -> Void
  ) throws -> String? {
    let bundle = try Fixtures.bundle(block)
    let next = try bundle.changed(change)
    return try ConfigError.thrown { try bundle.validateNext(next) }?.description
  }

  func consensus(_ type: String) -> Orderer_ConsensusType {
    var consensus = Orderer_ConsensusType()
    consensus.type = type
    return consensus
  }

  @Test("keeps the groups that there are and gets no consortiums")
  func keepsGroups() throws {
    #expect(
      try refusal(Fixtures.raft) { $0.groups["Orderer"] = nil }
        == "current config has orderer section, but new config does not")
    #expect(
      try refusal(Fixtures.raft) { $0.groups["Application"] = nil }
        == "current config has application section, but new config does not")
    #expect(
      try refusal(Fixtures.systemV20) { $0.groups["Consortiums"] = nil }
        == "current config has consortiums section, but new config does not")
    #expect(
      try refusal(Fixtures.raft) { $0["Consortiums"] = Common_ConfigGroup() }
        == "current config has no consortiums section, but new config does")
    #expect(try refusal(Fixtures.systemV20) { $0["Application"] = Common_ConfigGroup() } == nil)
  }

  @Test("changes its consensus only with the capability")
  func guardsConsensus() throws {
    #expect(
      try refusal(Fixtures.systemV20) {
        try $0["Orderer"].setValue("ConsensusType", consensus("etcdraft"))
      } == nil)
    let old = try Fixtures.bundle(Fixtures.systemV14).changed {
      try $0.setCapabilities(["V1_3"])
      $0["Orderer", "OrdererOrg"].values["Endpoints"] = nil
    }
    let next = try old.changed {
      try $0["Orderer"].setValue("ConsensusType", consensus("kafka"))
    }
    #expect(
      try ConfigError.thrown { try old.validateNext(next) }?.description
        == "attempted to change consensus type from solo to kafka")
  }

  @Test("keeps the MSP ID of every organization")
  func keepsMSPIDs() throws {
    let renamed = try Fixtures.msp("org5", as: "Org5MSP")
    #expect(
      try refusal(Fixtures.raft) { try $0["Orderer", "OrdererOrg"].setValue("MSP", renamed) }
        == "orderer org OrdererOrg attempted to change MSP ID from OrdererMSP to Org5MSP")
    #expect(
      try refusal(Fixtures.raft) { try $0["Application", "Org1"].setValue("MSP", renamed) }
        == "application org Org1 attempted to change MSP ID from Org1MSP to Org5MSP")
    #expect(
      try refusal(Fixtures.systemV20) {
        try $0["Consortiums", "SampleConsortium", "Org1"].setValue("MSP", renamed)
      }
        == "consortium SampleConsortium org Org1 attempted to change MSP ID from Org1MSP to "
        + "Org5MSP")
  }

  @Test("may lose and gain organizations and consortiums")
  func changesOrganizations() throws {
    #expect(try refusal(Fixtures.raft) { $0["Application"].groups["Org1"] = nil } == nil)
    #expect(
      try refusal(Fixtures.raft) { $0["Application", "Org9"] = $0["Application", "Org1"] } == nil)
    #expect(
      try refusal(Fixtures.systemV20) { $0["Consortiums"].groups["SampleConsortium"] = nil } == nil)
  }

  /// Org1's MSP with one more root CA, which has an Ed25519 key.
  func withEd25519(_ group: inout Common_ConfigGroup) throws {
    let recorded = try JSONSerialization.jsonObject(
      with: Data(
        contentsOf: Fixtures.directory.appendingPathComponent("identities/answers.json")))
    let certificates = try #require(
      (recorded as? [String: Any])?["certificates"] as? [String: String])
    let root = Data(try #require(certificates["root-ed25519"]).utf8)
    let value = try #require(group["Application", "Org1"].values["MSP"])
    var msp = try Msp_MSPConfig(serializedBytes: value.value)
    var definition = try Msp_FabricMSPConfig(serializedBytes: msp.config)
    definition.rootCerts.append(root)
    msp.config = try definition.serializedData()
    try group["Application", "Org1"].setValue("MSP", msp)
  }

  @Test("gets no keys that 2.x nodes cannot read without the capability V3_0")
  func keepsKeysReadable() throws {
    func refusal(_ current: ConfigBundle, _ next: ConfigBundle) throws -> String? {
      try ConfigError.thrown { try current.checkKeysAreReadable(in: next) }?.description
    }
    let raft = try Fixtures.bundle(Fixtures.raft)
    let withKey = try raft.changed { try withEd25519(&$0) }
    let reason = try refusal(raft, withKey)
    #expect(try #require(reason).contains("Org1MSP"))
    #expect(try #require(reason).contains("V3_0"))
    let bft = try Fixtures.bundle(Fixtures.bft)
    #expect(try refusal(bft, try bft.changed { try withEd25519(&$0) }) == nil)
    // What a channel already has stays, even if something else changes; ordered configs are
    // accepted.
    let next = try withKey.changed { $0["Application"].groups["Org2"] = nil }
    #expect(try refusal(withKey, next) == nil)
    try raft.validateNext(withKey)
  }

  @Test("takes Ed25519 identities from the moment that it has the capability V3_0")
  func switchesMSPVersion() throws {
    let before = try Fixtures.bundle(Fixtures.raft)
    let after = try before.changed {
      try $0.setCapabilities(["V3_0"])
      $0.values["OrdererAddresses"] = nil
    }
    try before.validateNext(after)
    for (bundle, version) in [(before, MSPVersion.v1_4_3), (after, .v3_0)] {
      #expect(bundle.mspManager.msps.values.allSatisfy { $0.version == version })
    }
    // Each state of the config has identities of its own: what one remembers the other never sees.
    #expect(before.mspManager !== after.mspManager)
    #expect(before.mspManager.msps["Org1MSP"] !== after.mspManager.msps["Org1MSP"])
  }
}
