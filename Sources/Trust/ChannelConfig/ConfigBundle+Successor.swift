// Which configs may follow a config, whoever signed the update. Fabric: `Bundle.ValidateNew`.

extension ConfigBundle {
  /// Checks that `next` may take the place of this config: groups don't disappear, organizations
  /// keep their MSP ID, and the type of consensus changes only if capabilities allow it.
  ///
  /// The maintenance filter checks, together with the message, that a change of consensus passes through
  /// maintenance.
  ///
  /// - Throws: ``ConfigError`` with the reason.
  package func validateNext(_ next: ConfigBundle) throws(ConfigError) {
    try validateOrderer(next)
    if let application {
      guard let nextApplication = next.application else {
        throw ConfigError(
          .invalid, "current config has application section, but new config does not")
      }
      try Self.keepMSPIDs(
        application.organizations, nextApplication.organizations, "application org")
    }
    try validateConsortiums(next)
  }

  /// Checks that every node that may serve the channel can read a proposed config. Without the
  /// capability V3_0 these include nodes of release 2.x, and each of them ends when it gets a
  /// config with an Ed25519 CA or admin. What the channel already has may stay. This is not checked
  /// for configs that others have ordered: the harm is done.
  ///
  /// - Throws: ``ConfigError`` that names the MSP and the certificate.
  package func checkKeysAreReadable(in next: ConfigBundle) throws(ConfigError) {
    for (mspID, msp) in next.mspManager.msps.sorted(by: { $0.key < $1.key })
    where msp.version < .v3_0 {
      let known = mspManager.msps[mspID]?.certificatesUnreadableBy2x ?? [:]
      let new = msp.certificatesUnreadableBy2x.filter { known[$0.key] == nil }
      guard let summary = new.values.min() else { continue }
      throw ConfigError(
        .invalid,
        "MSP \(mspID) gets a certificate whose key nodes of releases 2.x cannot read (\(summary)): "
          + "enable the channel capability V3_0 first")
    }
  }

  private func validateOrderer(_ next: ConfigBundle) throws(ConfigError) {
    guard let orderer else { return }
    guard let nextOrderer = next.orderer else {
      throw ConfigError(.invalid, "current config has orderer section, but new config does not")
    }
    if !channel.capabilities.consensusTypeMigration {
      guard orderer.consensusType == nextOrderer.consensusType else {
        throw ConfigError(
          .invalid,
          "attempted to change consensus type from \(orderer.consensusType) to "
            + nextOrderer.consensusType)
      }
    }
    try OrganizationEndpoints.checkUpdate(
      from: channel.capabilities, to: next.channel.capabilities, nextOrderer.organizations)
    try Self.keepMSPIDs(orderer.organizations, nextOrderer.organizations, "orderer org")
  }

  private func validateConsortiums(_ next: ConfigBundle) throws(ConfigError) {
    guard let consortiums else {
      guard next.consortiums == nil else {
        throw ConfigError(
          .invalid, "current config has no consortiums section, but new config does")
      }
      return
    }
    guard let nextConsortiums = next.consortiums else {
      throw ConfigError(
        .invalid, "current config has consortiums section, but new config does not")
    }
    for (name, consortium) in consortiums.consortiums.sorted(by: { $0.key < $1.key }) {
      guard let nextConsortium = nextConsortiums.consortiums[name] else { continue }
      try Self.keepMSPIDs(
        consortium.organizations, nextConsortium.organizations, "consortium \(name) org")
    }
  }

  private static func keepMSPIDs(
    _ current: [String: OrganizationConfig], _ next: [String: OrganizationConfig], _ what: String
  ) throws(ConfigError) {
    for (name, organization) in current.sorted(by: { $0.key < $1.key }) {
      guard let successor = next[name], successor.mspID != organization.mspID else { continue }
      throw ConfigError(
        .invalid,
        "\(what) \(name) attempted to change MSP ID from \(organization.mspID) to "
          + successor.mspID)
    }
  }
}
