// Turns a profile into the configuration tree of a channel: groups, policies and values. The leaves
// of the Orderer group are in OrdererGroupBuilder.swift, the policies in ChannelGroupBuilder+Policies.swift.

import ChannelConfig
import FabricProtos
import Foundation
import Membership
import Policies
import SwiftProtobuf

extension Profile {
  /// The root group of a channel with this profile's configuration, and all below it.
  ///
  /// Reads the MSP folders and certificate files that the profile names. Equal input makes equal
  /// bytes: serialized values have their map entries sorted.
  /// Fabric: `encoder.NewChannelGroup`.
  ///
  /// - Throws: ``GenesisError`` for unreadable files, unusable MSPs, malformed or missing policies
  ///   and names that no configuration may have.
  package func channelGroup() throws(GenesisError) -> Common_ConfigGroup {
    var builder = ChannelGroupBuilder(profile: self)
    return try builder.channel()
  }
}

/// Builds the groups of one profile. Holds what was read from disk, since organizations recur.
struct ChannelGroupBuilder {
  static let admins = "Admins"
  static let ordererAdmins = "/Channel/Orderer/Admins"

  let profile: Profile
  private var mspDefinitions: [[String]: Msp_MSPConfig] = [:]

  init(profile: Profile) {
    self.profile = profile
  }

  // MARK: Groups

  mutating func channel() throws(GenesisError) -> Common_ConfigGroup {
    let root = Profile.Place(key: "", line: nil)
    var group = Common_ConfigGroup()
    group.modPolicy = Self.admins
    try addPolicies(
      profile.policies, defaults: Self.implicitMetaDefaults, of: "the channel", at: root, to: &group
    )

    var hashing = Common_HashingAlgorithm()
    hashing.name = "SHA256"
    try add("HashingAlgorithm", hashing, to: &group)
    var structure = Common_BlockDataHashingStructure()
    structure.width = .max
    try add("BlockDataHashingStructure", structure, to: &group)
    if let orderer = profile.orderer, !orderer.addresses.isEmpty {
      try add("OrdererAddresses", addresses(orderer.addresses), Self.ordererAdmins, to: &group)
    }
    if let name = profile.consortium {
      var consortium = Common_Consortium()
      consortium.name = name
      try add("Consortium", consortium, to: &group)
    }
    try addCapabilities(profile.capabilities, to: &group)

    if let orderer = profile.orderer { group.groups["Orderer"] = try ordererGroup(orderer) }
    if let application = profile.application {
      group.groups["Application"] = try applicationGroup(application)
    }
    if let consortiums = profile.consortiums {
      group.groups["Consortiums"] = try consortiumsGroup(consortiums)
    }
    return group
  }

  private mutating func applicationGroup(
    _ application: Profile.Application
  ) throws(GenesisError) -> Common_ConfigGroup {
    var group = Common_ConfigGroup()
    group.modPolicy = Self.admins
    try addPolicies(
      application.policies, defaults: Self.implicitMetaDefaults, of: "the application group",
      at: application.place, to: &group)
    if !application.acls.isEmpty {
      var acls = Protos_ACLs()
      for (resource, policy) in application.acls {
        var reference = Protos_APIResource()
        reference.policyRef = policy
        acls.acls[resource] = reference
      }
      try add("ACLs", acls, to: &group)
    }
    try addCapabilities(application.capabilities, to: &group)
    for organization in application.organizations {
      var child = try organizationGroup(organization)
      if !organization.skipAsForeign && !organization.anchorPeers.isEmpty {
        var peers = Protos_AnchorPeers()
        peers.anchorPeers = organization.anchorPeers.map {
          var peer = Protos_AnchorPeer()
          peer.host = $0.host
          peer.port = $0.port
          return peer
        }
        try add("AnchorPeers", peers, to: &child)
      }
      try addGroup(organization.name, child, at: organization.place, to: &group)
    }
    return group
  }

  private mutating func consortiumsGroup(
    _ consortiums: [Profile.Consortium]
  ) throws(GenesisError) -> Common_ConfigGroup {
    var group = Common_ConfigGroup()
    group.modPolicy = Self.ordererAdmins
    // Counts as a satisfied sub-policy of the channel's Admins, which leaves the system channel to the admins
    // of the ordering service.
    var acceptAll = Common_ConfigPolicy()
    acceptAll.modPolicy = Self.ordererAdmins
    acceptAll.policy = PolicyTemplate.policy(PolicyTemplate.acceptAll)
    group.policies[Self.admins] = acceptAll
    for consortium in consortiums {
      var child = Common_ConfigGroup()
      child.modPolicy = Self.ordererAdmins
      for organization in consortium.organizations {
        try addGroup(
          organization.name, try organizationGroup(organization), at: organization.place,
          to: &child)
      }
      try add(
        "ChannelCreationPolicy", PolicyTemplate.implicitMeta(.any, Self.admins),
        Self.ordererAdmins, to: &child)
      try addGroup(consortium.name, child, at: consortium.place, to: &group)
    }
    return group
  }

  /// What the groups of an organization have in common wherever it appears.
  mutating func organizationGroup(
    _ organization: Profile.Organization
  ) throws(GenesisError) -> Common_ConfigGroup {
    var group = Common_ConfigGroup()
    group.modPolicy = Self.admins
    if organization.skipAsForeign { return group }
    let definition = try mspDefinition(of: organization)
    try addPolicies(
      organization.policies,
      defaults: Self.signatureDefaults(
        mspID: organization.id, membersAreAdmins: organization.membersAreAdmins),
      of: "organization \(organization.name)", at: organization.place, to: &group)
    try add("MSP", definition, to: &group)
    return group
  }

  private mutating func mspDefinition(
    of organization: Profile.Organization
  ) throws(GenesisError) -> Msp_MSPConfig {
    let key = [organization.id, organization.mspDirectory]
    if let known = mspDefinitions[key] { return known }
    let place = Profile.Place(
      key: organization.place.key + ".MSPDir", line: organization.place.line)
    guard organization.mspType == "bccsp" else {
      throw profile.error(
        .unusableMSP, at: organization.place, value: organization.mspType,
        "organization \(organization.name) has an MSP of a type that is not supported;"
          + " only \"bccsp\" is")
    }
    let definition: Msp_MSPConfig
    do {
      definition = try MSPDirectory.verifyingConfig(
        directory: organization.mspDirectory, mspID: organization.id)
    } catch {
      throw profile.error(
        .unusableMSP, at: place, value: organization.mspDirectory,
        "the MSP of organization \(organization.name) cannot be read: \(error)")
    }
    mspDefinitions[key] = definition
    return definition
  }

  // MARK: Values

  func add(
    _ name: String, _ value: some Message, _ modPolicy: String = admins,
    to group: inout Common_ConfigGroup
  ) throws(GenesisError) {
    var entry = Common_ConfigValue()
    entry.value = Data(try profile.serialize(value))
    entry.modPolicy = modPolicy
    group.values[name] = entry
  }

  /// Adds the required capabilities. A section that requires none still makes an (empty) value.
  func addCapabilities(
    _ capabilities: [String: Bool], to group: inout Common_ConfigGroup
  ) throws(GenesisError) {
    if capabilities.isEmpty { return }
    var value = Common_Capabilities()
    for (name, isRequired) in capabilities where isRequired {
      value.capabilities[name] = Common_Capability()
    }
    try add("Capabilities", value, to: &group)
  }

  func addresses(_ addresses: [String]) -> Common_OrdererAddresses {
    var value = Common_OrdererAddresses()
    value.addresses = addresses
    return value
  }

  func addGroup(
    _ name: String, _ child: Common_ConfigGroup, at place: Profile.Place,
    to group: inout Common_ConfigGroup
  ) throws(GenesisError) {
    try checkName(name, kind: "group", at: place)
    group.groups[name] = child
  }

  /// Names become keys of the configuration tree, which has rules for them
  /// (Fabric: `configtx.validateConfigID`).
  func checkName(
    _ name: String, kind: String, at place: Profile.Place
  ) throws(GenesisError) {
    do {
      try ConfigNames.validateConfigID(name)
    } catch {
      throw profile.error(
        .invalidValue, at: place, value: name,
        "cannot be the name of a \(kind); use up to 249 ASCII letters, digits, dots and dashes")
    }
  }
}

extension Profile {
  func serialize(_ message: some Message) throws(GenesisError) -> [UInt8] {
    do {
      return try message.deterministicBytes()
    } catch {
      throw self.error(.encodingFailed, "the configuration cannot be serialized: \(error)")
    }
  }
}
