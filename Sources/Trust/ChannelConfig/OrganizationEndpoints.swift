// Where clients and peers find orderers: globally, or per organization.

import FabricProtos

/// The rules for the two kinds of orderer addresses. Old channels have global ones; since V1_4_2 each
/// ordering organization may list endpoints of its own; with V3_0 each must, and the global ones are gone.
/// Addresses are only passed on to clients, so their form is not checked, as in Fabric.
enum OrganizationEndpoints {
  /// Checks the global addresses of the channel group.
  static func checkGlobal(
    _ addresses: [String], _ capabilities: ChannelCapabilities
  ) throws(ConfigError) {
    if !capabilities.orgSpecificOrdererEndpoints, addresses.isEmpty {
      throw ConfigError(.invalid, "Must set some OrdererAddresses")
    }
    if capabilities.consensusTypeBFT, !addresses.isEmpty {
      throw ConfigError(
        .invalid,
        "global OrdererAddresses are not allowed with V3_0 capability, use org specific "
          + "addresses only")
    }
  }

  /// Checks that an ordering organization lists endpoints only where that is understood.
  static func checkAllowed(
    in group: Common_ConfigGroup, organization: String, _ capabilities: ChannelCapabilities
  ) throws(ConfigError) {
    if !capabilities.orgSpecificOrdererEndpoints, group.values[ConfigKey.endpoints] != nil {
      throw ConfigError(
        .invalid,
        "Orderer Org \(organization) cannot contain endpoints value until V1_4_2+ capabilities have "
          + "been enabled")
    }
  }

  /// Checks that every ordering organization lists endpoints where it must.
  static func checkComplete(
    _ organizations: [String: OrganizationConfig], _ capabilities: ChannelCapabilities
  ) throws(ConfigError) {
    guard capabilities.consensusTypeBFT else { return }
    let silent = organizations.values.filter(\.endpoints.isEmpty).map(\.name).sorted()
    guard silent.isEmpty else {
      throw ConfigError(.invalid, "some orderer organizations endpoints are empty: \(silent)")
    }
  }

  /// Checks an update that brings V3_0. A config without the endpoints cannot be made in the first place;
  /// the update is refused in Fabric's words.
  static func checkUpdate(
    from current: ChannelCapabilities, to next: ChannelCapabilities,
    _ organizations: [String: OrganizationConfig]
  ) throws(ConfigError) {
    guard !current.consensusTypeBFT, next.consensusTypeBFT else { return }
    let silent = organizations.values.filter(\.endpoints.isEmpty).map(\.name)
    if let name = silent.min() {
      throw ConfigError(
        .invalid,
        "illegal orderer config update detected: endpoints of org \(name) are missing")
    }
  }
}
