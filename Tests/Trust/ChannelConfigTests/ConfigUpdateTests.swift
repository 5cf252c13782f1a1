// Updates of a config: which are accepted, which are not, and what they lead to.

import FabricProtos
import Foundation
import SwiftProtobuf
import Testing

@testable import ChannelConfig

@Suite("A config update")
struct ConfigUpdateTests {
  static let timeoutPath = "[Value]  /Channel/Orderer/BatchTimeout"

  func timeout(_ text: String) -> (inout Common_ConfigGroup) throws -> Void {
    { group in
      var timeout = Orderer_BatchTimeout()
      timeout.timeout = text
      try group["Orderer"].setValue("BatchTimeout", timeout)
    }
  }

  @Test("changes what it says, raises versions and sequence, and keeps its own envelope")
  func changesValue() throws {
    let bundle = try Fixtures.bundle()
    let update = try bundle.update(timeout("2s"))
    #expect(update.writeSet["Orderer"].values.keys.sorted() == ["BatchTimeout"])
    let bytes = try update.envelope(signedBy: ["orderer/admin"])
    let result = try bundle.proposeConfigUpdate(envelope: bytes)
    #expect(result.config.sequence == 1)
    #expect(try result.lastUpdate.serializedBytes() as [UInt8] == bytes)
    try bundle.validate(result)
    let next = try ConfigBundle(channelID: bundle.channelID, config: result.config)
    try bundle.validateNext(next)
    #expect(next.orderer?.batchTimeout == .seconds(2))
    #expect(next.config.channelGroup["Orderer"].values["BatchTimeout"]?.version == 1)
    #expect(next.config.channelGroup["Orderer"].version == 0)
    var expected = bundle.config.channelGroup
    try timeout("2s")(&expected)
    expected.groups["Orderer"]?.values["BatchTimeout"]?.version = 1
    #expect(next.config.channelGroup == expected)
  }

  @Test("leads to the same bytes every time")
  func isDeterministic() throws {
    let bundle = try Fixtures.bundle()
    let bytes = try bundle.update(timeout("2s")).envelope(signedBy: ["orderer/admin"])
    let first = try bundle.proposeConfigUpdate(envelope: bytes).deterministicBytes()
    for _ in 0..<5 {
      let again = try Fixtures.bundle().proposeConfigUpdate(envelope: bytes)
      #expect(try again.deterministicBytes() == first)
    }
  }

  @Test("that was applied is not applied again")
  func refusesReplay() throws {
    let bundle = try Fixtures.bundle()
    let update = try bundle.update(timeout("2s"))
    let next = try bundle.applying(update, by: ["orderer/admin"])
    let refusal = try next.refusal(update)
    #expect(refusal?.kind == .stale)
    #expect(
      refusal?.description
        == "error authorizing update: error validating DeltaSet: attempt to set key "
        + "\(Self.timeoutPath) to version 1, but key is at version 1")
    #expect(throws: ConfigError.self) {
      try next.validate(
        try bundle.proposeConfigUpdate(
          envelope: try update.envelope(signedBy: ["orderer/admin"])))
    }
  }

  @Test("made for another version of what it reads is refused with the path")
  func refusesStaleReadSet() throws {
    let bundle = try Fixtures.bundle()
    var update = try bundle.update(timeout("2s"))
    update.readSet.groups["Orderer"]?.version = 5
    update.writeSet.groups["Orderer"]?.version = 5
    #expect(
      try bundle.refusal(update)?.description
        == "error authorizing update: error validating ReadSet: proposed update requires that key "
        + "[Group]  /Channel/Orderer be at version 5, but it is currently at version 0")
    update = try bundle.update(timeout("2s"))
    update.readSet.groups["Orderer"]?.values["Nothing"] = Common_ConfigValue()
    let refusal = try bundle.refusal(update)
    #expect(
      refusal?.description.contains(
        "does not contain element for [Value]  /Channel/Orderer/Nothing") == true)
    #expect(refusal?.kind == .stale)
  }

  @Test("that skips a version is refused", arguments: [0, 2, UInt64.max] as [UInt64])
  func refusesSkippedVersion(version: UInt64) throws {
    let bundle = try Fixtures.bundle()
    var update = try bundle.update(timeout("2s"))
    update.writeSet.groups["Orderer"]?.values["BatchTimeout"]?.version = version
    #expect(try bundle.refusal(update)?.description.contains(Self.timeoutPath) == true)
  }

  @Test("of something new begins at version 0")
  func refusesNewElementAtVersion() throws {
    let bundle = try Fixtures.bundle()
    var update = try bundle.update { $0["Application", "Org9"] = $0["Application", "Org1"] }
    update.writeSet.groups["Application"]?.groups["Org9"]?.version = 1
    #expect(
      try bundle.refusal(update)?.description.contains(
        "attempted to set key [Group]  /Channel/Application/Org9 to version 1, but key does not "
          + "exist") == true)
  }

  @Test(
    "without the signatures that the mod policy asks for is refused",
    arguments: [
      [], ["org1/admin"], ["org1/admin", "org2/admin"], ["orderer/admin", "orderer/admin"],
      ["org1/user1"],
    ])
  func refusesUnsigned(signers: [String]) throws {
    let bundle = try Fixtures.bundle()
    let needsOrderer = signers != ["orderer/admin", "orderer/admin"]
    let update =
      try needsOrderer
      ? bundle.update(timeout("2s")) : bundle.update { $0["Application"].groups["Org2"] = nil }
    let refusal = try bundle.refusal(update, by: signers)
    #expect(refusal?.kind == .policy)
    #expect(
      refusal?.description.contains("not satisfied: implicit policy evaluation failed - 0") == true)
  }

  @Test("is not authorized by signatures over something else")
  func refusesForeignSignature() throws {
    let bundle = try Fixtures.bundle()
    let update = try bundle.update(timeout("2s"))
    let envelope = try Common_Envelope(
      serializedBytes: try update.envelope(signedBy: ["orderer/admin"]))
    var payload = try Common_Payload(serializedBytes: envelope.payload)
    var message = try Common_ConfigUpdateEnvelope(serializedBytes: payload.data)
    message.configUpdate = Data(try bundle.update(timeout("3s")).deterministicBytes())
    payload.data = try message.serializedData()
    let forged = try Common_Envelope.with { $0.payload = try payload.serializedData() }
    #expect(throws: ConfigError.self) {
      try bundle.proposeConfigUpdate(envelope: try forged.serializedBytes())
    }
  }

  @Test("for another channel is refused")
  func refusesOtherChannel() throws {
    let bundle = try Fixtures.bundle()
    var update = try bundle.update(timeout("2s"))
    update.channelID = "other"
    #expect(
      try bundle.refusal(update)?.description
        == "error authorizing update: ConfigUpdate for channel 'other' but envelope for channel "
        + "'raftchannel'")
  }

  @Test("that changes nothing is refused")
  func refusesNoEffect() throws {
    let bundle = try Fixtures.bundle()
    var update = Common_ConfigUpdate()
    update.channelID = bundle.channelID
    #expect(
      try bundle.refusal(update)?.description
        == "error authorizing update: error validating DeltaSet: delta set was empty -- update "
        + "would have no effect")
    #expect(throws: ConfigError.self) { try bundle.update { _ in } }
  }

  @Test("in an envelope of another type is refused")
  func refusesOtherType() throws {
    let bundle = try Fixtures.bundle()
    let bytes = try bundle.update(timeout("2s")).deterministicBytes()
    let users = [try Fixtures.user("orderer/admin")]
    for type in [Common_HeaderType.config, .message, .endorserTransaction, .UNRECOGNIZED(99)] {
      let envelope = try signedEnvelope(
        bytes, channelID: bundle.channelID, users: users, type: type)
      let refusal = try ConfigError.thrown {
        _ = try bundle.proposeConfigUpdate(envelope: envelope)
      }
      #expect(refusal?.description.contains("expected CONFIG_UPDATE") == true)
    }
  }

  @Test("adds and removes organizations, each with the right signatures")
  func changesOrganizations() throws {
    let bundle = try Fixtures.bundle()
    let org5 = try Fixtures.msp("org5", as: "Org5MSP")
    let addition = try bundle.update {
      var group = $0["Application", "Org1"]
      try group.setValue("MSP", org5)
      $0["Application", "Org5"] = group
    }
    #expect(try bundle.refusal(addition, by: ["org1/admin"])?.kind == .policy)
    let bigger = try bundle.applying(addition, by: ["org1/admin", "org2/admin"])
    #expect(bigger.application?.organizations["Org5"]?.mspID == "Org5MSP")
    #expect(bigger.config.channelGroup["Application"].version == 1)
    #expect(bigger.mspManager.msps["Org5MSP"] != nil)

    let removal = try bigger.update { $0["Application"].groups["Org5"] = nil }
    let smaller = try bigger.applying(removal, by: ["org1/admin", "org2/admin"])
    #expect(smaller.application?.organizations["Org5"] == nil)
    #expect(smaller.sequence == 2)
    #expect(smaller.config.channelGroup["Application"].version == 2)
    #expect(try smaller.refusal(addition)?.kind == .stale, "it was made for an earlier state")
  }

  @Test("is guarded by the current mod policy, not by the one it sets")
  func usesCurrentModPolicy() throws {
    let bundle = try Fixtures.bundle()
    let update = try bundle.update {
      $0["Orderer"].values["BatchTimeout"]?.modPolicy = "/Channel/Application/Org1/Admins"
    }
    #expect(try bundle.refusal(update, by: ["org1/admin"])?.kind == .policy)
    let next = try bundle.applying(update, by: ["orderer/admin"])
    let timeout = try next.update(timeout("5s"))
    #expect(try next.refusal(timeout, by: ["orderer/admin"])?.kind == .policy)
    #expect(try next.applying(timeout, by: ["org1/admin"]).orderer?.batchTimeout == .seconds(5))
  }

  @Test("of an element whose mod policy does not exist is refused with its name")
  func refusesMissingModPolicy() throws {
    for (modPolicy, kind) in [
      ("Nobody", ConfigError.Kind.policy), ("Org9/Admins", .policy), ("/Channel/Nobody", .policy),
    ] {
      let bundle = try Fixtures.bundle().changed {
        $0["Orderer"].values["BatchTimeout"]?.modPolicy = modPolicy
      }
      let refusal = try bundle.refusal(try bundle.update(timeout("2s")))
      #expect(refusal?.kind == kind)
      #expect(
        refusal?.description.contains(
          "unexpected missing policy \(modPolicy) for item \(Self.timeoutPath)") == true)
    }
  }

  @Test("must give every element it changes a mod policy", arguments: ["", "/", "a b", "a//b"])
  func refusesBadModPolicy(modPolicy: String) throws {
    let bundle = try Fixtures.bundle()
    let update = try bundle.update {
      $0["Orderer"].values["BatchTimeout"]?.modPolicy = modPolicy
    }
    #expect(
      try bundle.refusal(update)?.description.contains(
        "invalid mod_policy for element \(Self.timeoutPath)") == true)
  }

  @Test("that adds something without its group listing it has no effect on the group")
  func ignoresUnlisted() throws {
    let bundle = try Fixtures.bundle()
    var update = try bundle.update(timeout("2s"))
    update.writeSet.values["Smuggled"] = .with { $0.modPolicy = "Admins" }
    let next = try bundle.applying(update, by: ["orderer/admin"])
    #expect(next.config.channelGroup.values["Smuggled"] == nil)
  }

  @Test("may lead to a config that is refused as a whole")
  func leadsToBadConfig() throws {
    let bundle = try Fixtures.bundle()
    for update in [
      try bundle.update(timeout("0s")),
      try bundle.update { $0["Orderer"].values["Surprise"] = .with { $0.modPolicy = "Admins" } },
    ] {
      let result = try bundle.proposeConfigUpdate(
        envelope: try update.envelope(signedBy: allAdmins))
      #expect(throws: ConfigError.self) {
        try ConfigBundle(channelID: bundle.channelID, config: result.config)
      }
    }
  }

  @Test("repairs empty mod policies once the orderer has capabilities")
  func repairsModPolicies() throws {
    let bundle = try Fixtures.bundle().changed {
      $0.modPolicy = ""
      $0.values["Consortium"] = Common_ConfigValue()
      $0["Application"].policies["Readers"]?.modPolicy = ""
    }
    let next = try bundle.applying(try bundle.update(timeout("2s")), by: ["orderer/admin"])
    #expect(next.config.channelGroup.modPolicy == "Admins")
    #expect(next.config.channelGroup.values["Consortium"]?.modPolicy == "Admins")
    #expect(next.config.channelGroup["Application"].policies["Readers"]?.modPolicy == "Admins")
  }

  @Test("is checked again together with the config that it is said to lead to")
  func validatesResult() throws {
    let bundle = try Fixtures.bundle()
    let good = try bundle.proposeConfigUpdate(
      envelope: try bundle.update(timeout("2s")).envelope(signedBy: ["orderer/admin"]))
    func refusal(_ change: (inout Common_ConfigEnvelope) -> Void) throws -> String? {
      var envelope = good
      change(&envelope)
      return try ConfigError.thrown { try bundle.validate(envelope) }?.description
    }
    #expect(try refusal { _ in } == nil)
    #expect(
      try refusal { $0.config.sequence = 2 }
        == "config currently at sequence 0, cannot validate config at sequence 2")
    #expect(try refusal { $0.clearConfig() } == "config envelope has nil config")
    #expect(try refusal { $0.clearLastUpdate() } == "config envelope has no last update")
    #expect(try refusal { $0.config.clearChannelGroup() }?.contains("did not produce") == true)
    #expect(
      try refusal { $0.config.channelGroup.version = 9 }
        == "ConfigEnvelope LastUpdate did not produce the supplied config result")
    #expect(try refusal { $0.lastUpdate.payload = Data([1]) } != nil)
  }

  @Test("of 10,000 nested groups is refused")
  func survivesDeepGroups() throws {
    let bundle = try Fixtures.bundle()
    for depth in [40, 60, 10_000] {
      let bytes =
        lengthDelimited(1, Array(bundle.channelID.utf8))
        + lengthDelimited(3, nestedGroups(depth))
      let envelope = try signedEnvelope(bytes, channelID: bundle.channelID, users: [])
      #expect(throws: ConfigError.self) { try bundle.proposeConfigUpdate(envelope: envelope) }
    }
  }

  @Test("with a map entry whose key or value has the wrong wire type is refused")
  func refusesOddMapEntries() throws {
    let bundle = try Fixtures.bundle()
    let key = lengthDelimited(1, Array("Orderer".utf8))
    for entry in [
      key + [0x0D, 1, 2, 3, 4], key + [0x0D, 0], [0x08, 1] + key, key + [0x10, 1], key + [0x0B],
    ] as [[UInt8]] {
      for field in [2, 3, 4] as [UInt8] {
        let group = lengthDelimited(field, entry)
        for content in [group, lengthDelimited(2, key + lengthDelimited(2, group))] {
          for set in [2, 3] as [UInt8] {
            let bytes =
              lengthDelimited(1, Array(bundle.channelID.utf8)) + lengthDelimited(set, content)
            let envelope = try signedEnvelope(bytes, channelID: bundle.channelID, users: [])
            let refusal = try ConfigError.thrown {
              _ = try bundle.proposeConfigUpdate(envelope: envelope)
            }
            #expect(refusal?.description.contains("wrong wire type") == true)
          }
        }
      }
    }
  }

  @Test("with more signatures than are looked at is refused")
  func boundsSignatures() throws {
    let bundle = try Fixtures.bundle()
    let update = try bundle.update(timeout("2s"))
    let envelope = try Common_Envelope(
      serializedBytes: try update.envelope(signedBy: ["orderer/admin"]))
    var payload = try Common_Payload(serializedBytes: envelope.payload)
    var message = try Common_ConfigUpdateEnvelope(serializedBytes: payload.data)
    message.signatures = Array(repeating: message.signatures[0], count: 2_000)
    payload.data = try message.serializedData()
    let many = try Common_Envelope.with { $0.payload = try payload.serializedData() }
    let refusal = try ConfigError.thrown {
      _ = try bundle.proposeConfigUpdate(envelope: try many.serializedBytes())
    }
    #expect(refusal?.description.contains("2000 signatures") == true)
  }
}
