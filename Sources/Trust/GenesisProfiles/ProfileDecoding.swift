// Reads the sections of a profile that do not depend on the consenter.

import YAMLSettings

extension Profile {
  /// Reads a profile, without the warnings about it.
  init(
    _ setting: YAMLSetting, name: String, file: String, dialect: ConfigtxDialect?
  ) throws(SettingProblem) {
    let fields = try setting.fields([
      "Consortium", "Application", "Orderer", "Consortiums", "Capabilities", "Policies",
    ])
    let capabilities = try Self.capabilities(fields["Capabilities"])
    let dialect = dialect ?? .fitting(channelCapabilities: capabilities)
    let consortium = try fields["Consortium"].string()

    var consortiums: [Consortium]?
    if fields["Consortiums"].isPresent {
      var list: [Consortium] = []
      for (name, entry) in try fields["Consortiums"].namedEntries() {
        let organizations = try entry.fields(["Organizations"])["Organizations"]
        list.append(
          Consortium(
            name: name, organizations: try Organization.list(organizations),
            place: Place(entry)))
      }
      consortiums = list
    }

    self.name = name
    self.file = file
    self.dialect = dialect
    self.consortium = consortium?.isEmpty == false ? consortium : nil
    self.application =
      fields["Application"].isPresent ? try Application(fields["Application"]) : nil
    self.orderer =
      fields["Orderer"].isPresent ? try Orderer(fields["Orderer"], dialect: dialect) : nil
    self.consortiums = consortiums
    self.capabilities = capabilities
    self.policies = try PolicyRule.list(fields["Policies"])
    self.warnings = []
  }

  static func capabilities(_ setting: YAMLSetting) throws(SettingProblem) -> [String: Bool] {
    var result: [String: Bool] = [:]
    for (name, entry) in try setting.namedEntries() { result[name] = try entry.bool() }
    return result
  }
}

extension Profile.Place {
  init(_ setting: YAMLSetting) {
    self.init(key: setting.key, line: setting.line)
  }
}

extension Profile.PolicyRule {
  /// The policies of a section, without those that are null.
  static func list(_ setting: YAMLSetting) throws(SettingProblem) -> [Profile.PolicyRule] {
    var result: [Profile.PolicyRule] = []
    for (name, entry) in try setting.namedEntries() where entry.isPresent {
      let fields = try entry.fields(["Type", "Rule"])
      result.append(
        Profile.PolicyRule(
          name: name,
          type: try fields["Type"].requiredString("needs a type: Signature or ImplicitMeta"),
          rule: try fields["Rule"].requiredString(
            "needs a rule, such as \"OR('Org1MSP.member')\" or \"ANY Writers\""),
          place: Profile.Place(entry)))
    }
    return result
  }
}

extension Profile.Organization {
  static func list(_ setting: YAMLSetting) throws(SettingProblem) -> [Profile.Organization] {
    var result: [Profile.Organization] = []
    for element in try setting.elements() ?? [] {
      guard element.isPresent else {
        throw element.problem(
          .missingSetting, "an empty entry; name an organization or remove the line")
      }
      let organization = try Profile.Organization(element)
      if result.contains(where: { $0.name == organization.name }) {
        throw element.problem(
          .invalidValue, value: organization.name, "this organization is listed twice")
      }
      result.append(organization)
    }
    return result
  }

  private init(_ setting: YAMLSetting) throws(SettingProblem) {
    let fields = try setting.fields([
      "Name", "ID", "MSPDir", "MSPType", "Policies", "AnchorPeers", "OrdererEndpoints",
      "AdminPrincipal", "SkipAsForeign",
    ])
    let name = try fields["Name"].requiredString("an organization needs a name")
    let skipAsForeign = try fields["SkipAsForeign"].bool()
    let directory = try fields["MSPDir"].string() ?? ""
    let id = try fields["ID"].string() ?? ""
    if !skipAsForeign {
      if id.isEmpty {
        throw fields["ID"].problem(.missingSetting, "organization \(name) needs the ID of its MSP")
      }
      if directory.isEmpty {
        throw fields["MSPDir"].problem(
          .missingSetting, "organization \(name) needs the folder of its MSP definition")
      }
    }
    var anchorPeers: [Profile.AnchorPeer] = []
    for element in try fields["AnchorPeers"].elements() ?? [] {
      let peer = try element.fields(["Host", "Port"])
      anchorPeers.append(
        Profile.AnchorPeer(
          host: try peer["Host"].requiredString("an anchor peer needs a host"),
          port: Int32(try peer["Port"].port())))
    }
    let adminPrincipal = try fields["AdminPrincipal"].string() ?? ""
    self.init(
      name: name, id: id, mspDirectory: setting.path(directory),
      mspType: try fields["MSPType"].string().flatMap { $0.isEmpty ? nil : $0 } ?? "bccsp",
      policies: try Profile.PolicyRule.list(fields["Policies"]), anchorPeers: anchorPeers,
      ordererEndpoints: try fields["OrdererEndpoints"].strings() ?? [],
      membersAreAdmins: !adminPrincipal.isEmpty && adminPrincipal != "Role.ADMIN",
      skipAsForeign: skipAsForeign, place: Profile.Place(setting))
  }
}

extension Profile.Application {
  init(_ setting: YAMLSetting) throws(SettingProblem) {
    // "Resources" was a setting of 1.x without effect on the block.
    let fields = try setting.fields(
      ["Organizations", "Capabilities", "Policies", "ACLs"], ignored: ["Resources"])
    var acls: [String: String] = [:]
    for (name, entry) in try fields["ACLs"].namedEntries() {
      acls[name] = try entry.string() ?? ""
    }
    self.init(
      organizations: try Profile.Organization.list(fields["Organizations"]),
      capabilities: try Profile.capabilities(fields["Capabilities"]),
      policies: try Profile.PolicyRule.list(fields["Policies"]), acls: acls,
      place: Profile.Place(setting))
  }
}
