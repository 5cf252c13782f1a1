// Global addresses of orderers, and those of organizations, as capabilities demand.

import FabricProtos
import Testing

@testable import ChannelConfig

@Suite("Orderer endpoints")
struct OrganizationEndpointsTests {
  static let old = ChannelCapabilities(["V1_3"])
  static let middle = ChannelCapabilities(["V2_0"])
  static let new = ChannelCapabilities(["V3_0"])

  func reason(_ body: () throws -> Void) throws -> String? {
    try ConfigError.thrown(by: body)?.description
  }

  @Test("of the channel must be there, may be there, must not be there")
  func global() throws {
    let some = ["orderer:7050"]
    #expect(
      try reason { try OrganizationEndpoints.checkGlobal([], Self.old) }
        == "Must set some OrdererAddresses")
    try OrganizationEndpoints.checkGlobal(some, Self.old)
    try OrganizationEndpoints.checkGlobal([], Self.middle)
    try OrganizationEndpoints.checkGlobal(some, Self.middle)
    try OrganizationEndpoints.checkGlobal([], Self.new)
    #expect(
      try reason { try OrganizationEndpoints.checkGlobal(some, Self.new) }?
        .contains("not allowed with V3_0") == true)
  }

  @Test("of an organization need the capability")
  func allowed() throws {
    var group = Common_ConfigGroup()
    func check(_ capabilities: ChannelCapabilities) throws {
      try OrganizationEndpoints.checkAllowed(in: group, organization: "Org", capabilities)
    }
    try check(Self.old)
    group.values[ConfigKey.endpoints] = Common_ConfigValue()
    #expect(try reason { try check(Self.old) }?.contains("Orderer Org Org cannot") == true)
    try check(Self.middle)
    try check(Self.new)
  }

  @Test("of every organization must be there with V3_0")
  func complete() throws {
    let raft = try Fixtures.bundle(Fixtures.raft)
    let organizations = try #require(raft.orderer).organizations
    #expect(organizations.values.allSatisfy { !$0.endpoints.isEmpty })
    try OrganizationEndpoints.checkComplete(organizations, Self.new)
    let silent = try raft.changed { $0["Orderer", "OrdererOrg"].values["Endpoints"] = nil }
    let without = try #require(silent.orderer).organizations
    try OrganizationEndpoints.checkComplete(without, Self.middle)
    #expect(
      try reason { try OrganizationEndpoints.checkComplete(without, Self.new) }
        == "some orderer organizations endpoints are empty: [\"OrdererOrg\"]")
    try OrganizationEndpoints.checkUpdate(from: Self.middle, to: Self.middle, without)
    #expect(
      try reason {
        try OrganizationEndpoints.checkUpdate(from: Self.middle, to: Self.new, without)
      }
        == "illegal orderer config update detected: endpoints of org OrdererOrg are missing")
  }
}
