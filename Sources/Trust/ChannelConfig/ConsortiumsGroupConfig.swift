// The values of the consortiums group of a system channel. Fabric: channelconfig/consortiums.

import FabricProtos

/// The consortiums for which channels may be created.
package struct ConsortiumsGroupConfig: Sendable, Equatable {
  /// One consortium.
  package struct Consortium: Sendable, Equatable {
    /// Who may create a channel, evaluated over the organizations of the new channel.
    package let channelCreationPolicy: Common_Policy
    /// The organizations by name.
    package let organizations: [String: OrganizationConfig]
  }

  /// The consortiums by name.
  package let consortiums: [String: Consortium]

  init(_ group: Common_ConfigGroup, msps: inout MSPRegistry) throws(ConfigError) {
    var consortiums: [String: Consortium] = [:]
    for (name, child) in group.sortedGroups {
      let path = "/Channel/Consortiums/\(name)"
      let values = try GroupValues(
        child, path: path, allowing: [ConfigKey.channelCreationPolicy])
      consortiums[name] = Consortium(
        channelCreationPolicy: try values.read(
          Common_Policy.self, ConfigKey.channelCreationPolicy),
        organizations: try OrganizationConfig.all(
          in: child, path: path, role: .consortium, msps: &msps))
    }
    self.consortiums = consortiums
  }
}
