// One setting: its key, its place in the typed configuration, its rules.

import YAMLSettings

/// The description of a setting from which reading, showing and suggesting are derived.
struct Setting: Sendable {
  typealias Root = OrdererConfiguration

  /// The dotted key as Fabric spells it.
  let key: String
  let options: SettingOptions
  /// Stores the decoded value; a zero or empty one leaves the default in place.
  let decode: @Sendable (SettingTree, DecodingContext, inout Root) throws(ValueProblem) -> Void
  /// The value in force as Fabric prints it.
  let render: @Sendable (Root) -> String
  /// Makes relative paths absolute.
  let resolve: @Sendable (inout Root, String) -> Void

  init<Value: SettingValue>(
    _ key: String, _ place: WritableKeyPath<Root, Value> & Sendable, _ options: SettingOptions = []
  ) {
    self.init(
      key, options, get: { $0[keyPath: place] }, set: { $0[keyPath: place] = $1 })
  }

  /// A setting of a section that occurs in several places.
  init<Section, Value: SettingValue>(
    _ key: String, in section: WritableKeyPath<Root, Section> & Sendable,
    _ place: WritableKeyPath<Section, Value> & Sendable, _ options: SettingOptions = []
  ) {
    self.init(
      key, options, get: { $0[keyPath: section][keyPath: place] },
      set: { $0[keyPath: section][keyPath: place] = $1 })
  }

  private init<Value: SettingValue>(
    _ key: String, _ options: SettingOptions, get: @escaping @Sendable (Root) -> Value,
    set: @escaping @Sendable (inout Root, Value) -> Void
  ) {
    self.key = key
    self.options = options
    decode = { (raw, context, configuration) throws(ValueProblem) in
      let value = try Value.decode(raw, context)
      if !value.isUnset { set(&configuration, value) }
    }
    render = { configuration in
      let value = get(configuration)
      return options.contains(.secret) && !value.isUnset ? "\"[masked]\"" : value.rendered
    }
    resolve = { configuration, folder in
      set(&configuration, get(configuration).resolved(against: folder))
    }
  }

  /// The variable of the environment that overrides the setting.
  var variable: String { Self.variable(for: key) }

  /// The variable of the environment that overrides the setting with a dotted key.
  static func variable(for key: String) -> String {
    "ORDERER_" + key.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }
}

/// All settings, in the order in which they are shown.
enum SettingTable {
  static let all: [Setting] = general + bccsp + ledgers + kafka + services

  /// By lower-case key.
  static let byKey: [String: Setting] = Dictionary(
    all.map { ($0.key.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })

  /// The keys of sections, in lower case: everything that is the beginning of a setting's key.
  static let sections: Set<String> = {
    var sections: Set<String> = ["consensus"]
    for setting in all {
      var parts = setting.key.lowercased().split(separator: ".")
      while parts.count > 1 {
        parts.removeLast()
        sections.insert(parts.joined(separator: "."))
      }
    }
    return sections
  }()

  /// Settings that some release of Fabric knows and that have no effect here, in lower case, each with
  /// the reason. A key covers everything below it.
  static let withoutEffect: [String: String] = [
    "channelparticipation.removestorage":
      "a removed channel's storage is always removed (a setting of Fabric 2.2 only)",
    "general.bccsp.sw.tempkeys": "keys are always loaded from files",
    "general.bccsp.sw.dummykeystore": "keys are always loaded from files",
    "general.bccsp.sw.inmemkeystore": "keys are always loaded from files",
    "general.bccsp.sw.ephemeral": "keys are always loaded from files",
    "general.bccsp.pkcs11.filekeystore": "the module's keys are not mixed with keys in files",
    "general.bccsp.pkcs11.dummykeystore": "the module's keys are not mixed with keys in files",
    "general.bccsp.pkcs11.tempkeys": "the module's keys are never temporary",
    "general.bccsp.pkcs11.ephemeral": "the module's keys are never temporary",
    "general.bccsp.plugin": "provider plug-ins are Go libraries",
    "general.tls.clientauthenabled": "it is called General.TLS.ClientAuthRequired since Fabric 1.1",
  ]

  /// The settings of one TLS section.
  static func tls(
    _ section: String,
    _ place: WritableKeyPath<OrdererConfiguration, OrdererConfiguration.TLS> & Sendable,
    keys: SettingOptions = [], certificates: SettingOptions = []
  ) -> [Setting] {
    [
      Setting("\(section).Enabled", in: place, \.enabled),
      Setting("\(section).PrivateKey", in: place, \.privateKey, keys),
      Setting("\(section).Certificate", in: place, \.certificate, certificates),
      Setting("\(section).RootCAs", in: place, \.rootCAs, certificates),
      Setting("\(section).ClientAuthRequired", in: place, \.clientAuthRequired),
      Setting("\(section).ClientRootCAs", in: place, \.clientRootCAs, certificates),
      Setting("\(section).TLSHandshakeTimeShift", in: place, \.tlsHandshakeTimeShift, .negative),
    ]
  }
}
