// config.yaml of an MSP folder.

import YAMLSettings

/// What config.yaml may say. Keys are matched letter by letter, and those that are unknown are passed
/// over, as in Fabric.
struct MSPFolderConfiguration {
  /// A unit, and the path of a CA certificate relative to the folder.
  struct Unit {
    var certificate: String?
    var organizationalUnitIdentifier: String?

    init(_ setting: YAMLSetting) throws(SettingProblem) {
      for (name, value) in try setting.namedEntries() {
        switch name {
        case "Certificate": certificate = try value.string()
        case "OrganizationalUnitIdentifier": organizationalUnitIdentifier = try value.string()
        default: break
        }
      }
    }
  }

  struct NodeOUs {
    var enable = false
    var client: Unit?
    var peer: Unit?
    var admin: Unit?
    var orderer: Unit?

    init(_ setting: YAMLSetting) throws(SettingProblem) {
      for (name, value) in try setting.namedEntries() where value.isPresent {
        switch name {
        case "Enable": enable = try value.yamlBool()
        case "ClientOUIdentifier": client = try Unit(value)
        case "PeerOUIdentifier": peer = try Unit(value)
        case "AdminOUIdentifier": admin = try Unit(value)
        case "OrdererOUIdentifier": orderer = try Unit(value)
        default: break
        }
      }
    }
  }

  private(set) var organizationalUnitIdentifiers: [Unit] = []
  private(set) var nodeOUs: NodeOUs?

  /// The configuration of a folder; an empty one if there is no config.yaml.
  init(_ folder: MSPFolder) throws(MembershipError) {
    let path = folder.path("config.yaml")
    guard MSPFolder.kind(ofItemAt: path).exists else { return }
    let bytes = try folder.contents(of: path, what: "the configuration file")
    guard let text = ConfigurationText.decode(bytes) else {
      throw folder.problem("the configuration file '\(path)' is not a text in UTF-8 or UTF-16")
    }
    do {
      // A file of nothing but comments configures nothing.
      try read(SettingWalk().root(of: YAMLDocument(text, mayBeEmpty: true)))
    } catch {
      throw folder.problem("the configuration file '\(path)' is not valid: \(error.reason)")
    }
  }

  private mutating func read(_ root: YAMLSetting) throws(SettingProblem) {
    for (name, value) in try root.namedEntries() where value.isPresent {
      switch name {
      case "OrganizationalUnitIdentifiers":
        for element in try value.list() ?? [] {
          organizationalUnitIdentifiers.append(try Unit(element))
        }
      case "NodeOUs": nodeOUs = try NodeOUs(value)
      default: break
      }
    }
  }
}
