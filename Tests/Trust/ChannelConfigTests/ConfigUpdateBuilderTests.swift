// Computing updates: applied to the original they lead to the updated config.

import FabricProtos
import Testing

@testable import ChannelConfig

@Suite("The computed difference of two configs")
struct ConfigUpdateBuilderTests {
  /// The group with all versions cleared, to compare contents.
  func unversioned(_ group: Common_ConfigGroup) -> Common_ConfigGroup {
    var result = group
    result.version = 0
    result.groups = group.groups.mapValues(unversioned)
    result.values = group.values.mapValues {
      var value = $0
      value.version = 0
      return value
    }
    result.policies = group.policies.mapValues {
      var policy = $0
      policy.version = 0
      return policy
    }
    return result
  }

  @Test("leads from the one to the other")
  func roundTrips() throws {
    let bundle = try Fixtures.bundle()
    let changes: [(inout Common_ConfigGroup) throws -> Void] = [
      { $0.modPolicy = "/Channel/Admins" },
      { $0.values["OrdererAddresses"] = nil },
      { $0["Application"].policies["Readers"] = nil },
      { $0["Application"].policies["Extra"] = $0["Application"].policies["Readers"] },
      {
        $0["Application", "Org1"].policies["Admins"]?.policy.value.append(contentsOf: [])
        $0["Application", "Org1"].policies["Admins"]?.modPolicy = "Readers"
      },
      {
        $0["Application", "Org9"] = $0["Application", "Org2"]
        $0["Application"].groups["Org1"] = nil
      },
      { try $0["Orderer"].setCapabilities(["V1_1"]) },
    ]
    for change in changes {
      let updated = try bundle.changedConfig(change)
      let update = try ConfigUpdateBuilder.compute(
        channelID: bundle.channelID, original: bundle.config, updated: updated)
      let result = try bundle.proposeConfigUpdate(
        envelope: try update.envelope(signedBy: allAdmins))
      #expect(unversioned(result.config.channelGroup) == unversioned(updated.channelGroup))
    }
  }

  @Test("lists all members of a group only if their list changes")
  func isSmall() throws {
    let bundle = try Fixtures.bundle()
    let value = try bundle.update { try $0["Orderer"].setCapabilities(["V1_1"]) }
    #expect(value.writeSet.groups.keys.sorted() == ["Orderer"])
    #expect(value.writeSet["Orderer"].version == 0)
    #expect(value.readSet["Orderer"].values.isEmpty)
    let member = try bundle.update { $0["Application"].groups["Org2"] = nil }
    #expect(member.writeSet["Application"].version == 1)
    #expect(member.writeSet["Application"].groups.keys.sorted() == ["Org1"])
    #expect(member.readSet["Application"].groups.keys.sorted() == ["Org1"])
    #expect(member.readSet["Application"].policies.count == 5)
  }

  @Test("needs a channel group on both sides and a difference")
  func refuses() throws {
    let config = try Fixtures.bundle().config
    for (original, updated) in [
      (Common_Config(), config), (config, Common_Config()), (config, config),
    ] {
      #expect(throws: ConfigError.self) {
        try ConfigUpdateBuilder.compute(channelID: "a", original: original, updated: updated)
      }
    }
  }
}
