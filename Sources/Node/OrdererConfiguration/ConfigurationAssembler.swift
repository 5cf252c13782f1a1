// Gives the collected settings their types, fills in what is missing, and checks what is left.

import GoText
import YAMLSettings

/// Turns raw settings into a configuration, or into a list of everything that is wrong with them.
struct ConfigurationAssembler {
  private let collector: SettingCollector
  private var configuration = OrdererConfiguration()
  private var issues: [ConfigurationIssue]
  private var notices: [ConfigurationNotice]

  init(collector: SettingCollector) {
    self.collector = collector
    issues = collector.issues
    notices = collector.notices
  }

  /// The most bytes of a file that stands in for a value.
  private static let maximumValueFile = 1024 * 1024

  consuming func assemble() throws(ConfigurationError) -> LoadedConfiguration {
    decodeAll()
    completeBootstrap()
    completePaths()
    checkContradictions()
    warnAboutOddities()
    guard issues.isEmpty else { throw .invalidSettings(issues) }
    return LoadedConfiguration(
      configuration: configuration, file: collector.file, notices: notices)
  }

  private mutating func decodeAll() {
    for setting in SettingTable.all {
      guard let raw = collector.values[setting.key.lowercased()] else { continue }
      let context = DecodingContext(options: setting.options, readFile: Self.readValue)
      do throws(ValueProblem) {
        try setting.decode(raw.value, context, &configuration)
      } catch {
        report(setting.key, error.reason)
      }
    }
    configuration.consensus.other = collector.otherConsensus
  }

  /// The text of a file that stands in for a value.
  private static func readValue(_ path: String) throws(ValueProblem) -> String {
    do {
      return try ConfigurationText.read(path, limit: maximumValueFile)
    } catch {
      throw ValueProblem(reason: error.description)
    }
  }

  // MARK: Filling in

  /// Brings the two generations of bootstrap settings together; the newer name wins. A profile without
  /// a method means that the block is generated from it, as in Fabric 1.x; otherwise the default is a
  /// file, as in 2.x.
  private mutating func completeBootstrap() {
    let general = configuration.general
    if isSet("General.BootstrapMethod") {
      let newer = general.bootstrapMethod.rawValue
      if isSet("General.GenesisMethod"), general.genesisMethod != newer {
        warn(
          "General.BootstrapMethod (\(newer)) is in force,"
            + " General.GenesisMethod (\(general.genesisMethod)) is not")
      }
    } else if isSet("General.GenesisMethod") {
      if let method = OrdererConfiguration.BootstrapMethod(rawValue: general.genesisMethod) {
        configuration.general.bootstrapMethod = method
        note("General.GenesisMethod is called General.BootstrapMethod since Fabric 2.0")
      } else {
        report("General.GenesisMethod", "unknown bootstrap method \"\(general.genesisMethod)\"")
      }
    } else if isSet("General.GenesisProfile"), !isSet("General.BootstrapFile"),
      !isSet("General.GenesisFile")
    {
      configuration.general.bootstrapMethod = .provisional
    }
    if !isSet("General.BootstrapFile"), isSet("General.GenesisFile") {
      configuration.general.bootstrapFile = general.genesisFile
      note("General.GenesisFile is called General.BootstrapFile since Fabric 2.0")
    }
  }

  private mutating func completePaths() {
    let folder = ConfigurationPath.folder(of: collector.file)
    for setting in SettingTable.all where setting.options.contains(.path) {
      setting.resolve(&configuration, folder)
    }
    let ledger = configuration.fileLedger.location
    if configuration.consensus.walDir.isEmpty {
      configuration.consensus.walDir = ConfigurationPath.clean(ledger + "/etcdraft/wal")
    }
    if configuration.consensus.snapDir.isEmpty {
      configuration.consensus.snapDir = ConfigurationPath.clean(ledger + "/etcdraft/snapshot")
    }
  }

  // MARK: Checking

  private mutating func checkContradictions() {
    let kafka = configuration.kafka
    if kafka.tls.enabled {
      require("Kafka.TLS.Certificate", !kafka.tls.certificate.isEmpty, by: "Kafka.TLS.Enabled")
      require("Kafka.TLS.PrivateKey", !kafka.tls.privateKey.isEmpty, by: "Kafka.TLS.Enabled")
      require("Kafka.TLS.RootCAs", !kafka.tls.rootCAs.isEmpty, by: "Kafka.TLS.Enabled")
    }
    if kafka.saslPlain.enabled {
      require("Kafka.SASLPlain.User", !kafka.saslPlain.user.isEmpty, by: "Kafka.SASLPlain.Enabled")
      require(
        "Kafka.SASLPlain.Password", !kafka.saslPlain.password.isEmpty,
        by: "Kafka.SASLPlain.Enabled")
    }
    let mostKeys = OrdererConfiguration.VerificationTables.maximumKeys
    if !(1...mostKeys).contains(configuration.general.verificationTables.keys) {
      report(
        "General.VerificationTables.Keys",
        "it must be from 1 to \(mostKeys); to do without tables, set "
          + "General.VerificationTables.Enabled to false")
    }
    if configuration.admin.tls.enabled, !configuration.admin.tls.clientAuthRequired {
      report(
        "Admin.TLS.ClientAuthRequired", "it must be set to true if Admin.TLS.Enabled is true")
    }
  }

  private mutating func require(_ key: String, _ holds: Bool, by switchKey: String) {
    // A value that is there but unusable has been reported already.
    guard !holds, !issues.contains(where: { $0.key == key }) else { return }
    report(key, "it must be set if \(switchKey) is set to true")
  }

  private mutating func warnAboutOddities() {
    let listener = configuration.general.cluster.listenerSettings
    let missing = listener.filter { !$0.isSet }.map(\.key)
    if !missing.isEmpty, missing.count < listener.count {
      warn(
        "the cluster has no listener of its own because \(missing.joined(separator: ", ")) is"
          + " missing; set all four settings or none")
    }
    let tls = configuration.general.tls
    if tls.clientAuthRequired, !tls.enabled {
      warn("General.TLS.ClientAuthRequired has no effect while General.TLS.Enabled is false")
    }
    for setting in SettingTable.all {
      guard case .scalar(let text)? = collector.values[setting.key.lowercased()]?.value else {
        continue
      }
      let isDuration = setting.render(configuration).hasSuffix("ns")
      if isDuration, GoInteger.parse(text) != nil {
        warn("\(setting.key) = \(text) has no unit, which makes it nanoseconds")
      }
    }
  }

  // MARK: Helpers

  private func isSet(_ key: String) -> Bool { collector.values[key.lowercased()] != nil }

  private mutating func report(_ key: String, _ problem: String) {
    issues.append(
      ConfigurationIssue(
        key: key, problem: problem, source: collector.values[key.lowercased()]?.source))
  }

  private mutating func warn(_ message: String) {
    notices.append(ConfigurationNotice(severity: .warning, message: message))
  }

  private mutating func note(_ message: String) {
    notices.append(ConfigurationNotice(severity: .info, message: message))
  }
}
