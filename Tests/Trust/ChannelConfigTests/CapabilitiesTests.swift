// What capabilities mean, and which ones this orderer has.

import Membership
import Testing

@testable import ChannelConfig

@Suite("Capabilities")
struct CapabilitiesTests {
  @Test(
    "of the channel choose the rules of MSPs",
    arguments: [
      ([], .v1_0), (["V1_1"], .v1_1), (["V1_3"], .v1_3), (["V1_4_2"], .v1_3),
      (["V1_4_3"], .v1_4_3), (["V2_0"], .v1_4_3), (["V3_0"], .v3_0), (["V1_1", "V1_3"], .v1_3),
      (["V9_9"], .v1_0),
    ] as [(Set<String>, MSPVersion)])
  func choosesMSPVersion(names: Set<String>, version: MSPVersion) {
    #expect(ChannelCapabilities(names).mspVersion == version)
  }

  @Test("of the channel from V1_4_2 on allow what it brought")
  func channelFlags() {
    for name in ["V1_1", "V1_3"] {
      let capabilities = ChannelCapabilities([name])
      #expect(!capabilities.consensusTypeMigration && !capabilities.orgSpecificOrdererEndpoints)
    }
    for name in ["V1_4_2", "V1_4_3", "V2_0", "V3_0"] {
      let capabilities = ChannelCapabilities([name])
      #expect(capabilities.consensusTypeMigration && capabilities.orgSpecificOrdererEndpoints)
      #expect(capabilities.consensusTypeBFT == (name == "V3_0"))
    }
  }

  @Test("of the orderer include those of earlier versions")
  func ordererFlags() {
    let none = OrdererCapabilities([])
    #expect(!none.expirationCheck && !none.resubmission && !none.predictableChannelTemplate)
    for (name, migration, admins) in [
      ("V1_1", false, false), ("V1_4_2", true, false), ("V2_0", true, true),
    ] {
      let capabilities = OrdererCapabilities([name])
      #expect(capabilities.expirationCheck && capabilities.resubmission)
      #expect(capabilities.predictableChannelTemplate)
      #expect(capabilities.consensusTypeMigration == migration)
      #expect(capabilities.useChannelCreationPolicyAsAdmins == admins)
    }
  }

  @Test("that this orderer lacks are named with their level")
  func namesUnsupported() throws {
    let bundle = try Fixtures.bundle()
    func refusal(_ change: (inout CapabilityChange) -> Void) throws -> ConfigError? {
      var levels = CapabilityChange()
      change(&levels)
      let changed = try bundle.changed {
        try $0.setCapabilities(levels.channel)
        try $0["Orderer"].setCapabilities(levels.orderer)
        try $0["Application"].setCapabilities(levels.application)
      }
      return try ConfigError.thrown { try changed.checkCapabilitiesSupported() }
    }
    let channel = try refusal { $0.channel.append("V9_9") }
    #expect(
      channel?.description
        == "config requires unsupported channel capabilities: Channel capability V9_9 is required "
        + "but not supported")
    #expect(channel?.kind == .unsupportedCapability)
    let orderer = try refusal { $0.orderer.append("V1_3") }
    #expect(orderer?.description.contains("Orderer capability V1_3") == true)
    #expect(try refusal { $0.application.append("V9_9") } == nil, "a matter of peers")
  }

  struct CapabilityChange {
    var channel = ["V2_0"]
    var orderer = ["V2_0"]
    var application = ["V2_0"]
  }

  @Test("of the orderer come before those of the channel and the application")
  func checksOrder() throws {
    let bundle = try Fixtures.bundle()
    func refusal(_ channel: Bool, _ application: Bool) throws -> String? {
      try ConfigError.thrown {
        _ = try bundle.changed {
          $0["Orderer"].values["Capabilities"] = nil
          $0["Orderer", "OrdererOrg"].values["Endpoints"] = nil
          if !channel { $0.values["Capabilities"] = nil }
          if !application { $0["Application"].values["Capabilities"] = nil }
        }
      }?.description
    }
    #expect(
      try refusal(true, true) == "cannot enable channel capabilities without orderer support first")
    #expect(
      try refusal(false, true)
        == "cannot enable application capabilities without orderer support first")
    #expect(try refusal(false, false) == nil)
  }
}
