// The values of the application group. Fabric: channelconfig/application.

import FabricProtos

/// What a channel config says about the application that uses the channel.
package struct ApplicationGroupConfig: Sendable, Equatable {
  /// The organizations by name.
  package let organizations: [String: OrganizationConfig]
  /// The enabled capabilities.
  package let capabilities: ApplicationCapabilities
  /// Resources of peers to the absolute paths of the policies that guard them.
  package let acls: [String: String]

  init(_ group: Common_ConfigGroup, msps: inout MSPRegistry) throws(ConfigError) {
    let path = "/Channel/Application"
    let values = try GroupValues(
      group, path: path, allowing: [ConfigKey.acls, ConfigKey.capabilities])
    capabilities = ApplicationCapabilities(try values.capabilities())
    guard capabilities.acls || !values.has(ConfigKey.acls) else {
      throw ConfigError(.invalid, "ACLs may not be specified without the required capability")
    }
    let references = try values.readMap(Protos_ACLs.self, ConfigKey.acls).acls
    acls = references.compactMapValues { resource -> String? in
      let reference = resource.policyRef
      if reference.isEmpty { return nil }
      return reference.utf8.first == UInt8(ascii: "/") ? reference : "\(path)/\(reference)"
    }
    organizations = try OrganizationConfig.all(
      in: group, path: path, role: .application, msps: &msps)
  }
}
