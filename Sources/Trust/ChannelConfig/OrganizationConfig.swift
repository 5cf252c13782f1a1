// One organization of a channel config.

import FabricProtos

/// What a channel config says about an organization.
package struct OrganizationConfig: Sendable, Equatable {
  /// A peer that other organizations may contact first.
  package struct AnchorPeer: Sendable, Equatable {
    /// Host name or address.
    package let host: String
    /// TCP port, as configured; not checked by the orderer.
    package let port: Int32
  }

  /// The name of the organization's group.
  package let name: String
  /// The ID of its MSP.
  package let mspID: String
  /// The roots that its members' TLS certificates come from, in DER.
  package let tlsRootCertificates: [[UInt8]]
  /// The intermediate CAs that its members' TLS certificates come from, in DER.
  package let tlsIntermediateCertificates: [[UInt8]]
  /// The addresses of its orderers ("host:port"); only in the orderer group.
  package let endpoints: [String]
  /// Its anchor peers; only in the application group.
  package let anchorPeers: [AnchorPeer]

  /// Where an organization stands, which decides what it may hold.
  enum Role {
    case orderer(ChannelCapabilities)
    case application, consortium
  }

  init(
    name: String, group: Common_ConfigGroup, path: String, role: Role, msps: inout MSPRegistry
  ) throws(ConfigError) {
    guard group.groups.isEmpty else {
      throw ConfigError(.invalid, "the organization at \(path) must not have sub-groups")
    }
    var keys: Set<String> = [ConfigKey.msp]
    switch role {
    case .orderer(let capabilities):
      keys.insert(ConfigKey.endpoints)
      try OrganizationEndpoints.checkAllowed(in: group, organization: name, capabilities)
    case .application: keys.insert(ConfigKey.anchorPeers)
    case .consortium: break
    }
    let values = try GroupValues(group, path: path, allowing: keys)
    self.name = name
    endpoints = try values.read(Common_OrdererAddresses.self, ConfigKey.endpoints).addresses
    anchorPeers = try values.read(Protos_AnchorPeers.self, ConfigKey.anchorPeers).anchorPeers.map {
      AnchorPeer(host: $0.host, port: $0.port)
    }
    let msp = try msps.add(
      try values.read(Msp_MSPConfig.self, ConfigKey.msp), organization: path)
    mspID = msp.identifier
    tlsRootCertificates = msp.tlsRootCertificates
    tlsIntermediateCertificates = msp.tlsIntermediateCertificates
  }

  /// Reads all organizations below `group`.
  static func all(
    in group: Common_ConfigGroup, path: String, role: Role, msps: inout MSPRegistry
  ) throws(ConfigError) -> [String: OrganizationConfig] {
    var result: [String: OrganizationConfig] = [:]
    for (name, child) in group.sortedGroups {
      result[name] = try OrganizationConfig(
        name: name, group: child, path: "\(path)/\(name)", role: role, msps: &msps)
    }
    return result
  }
}
