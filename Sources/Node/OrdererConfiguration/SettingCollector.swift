// Sorts the keys of a document and the variables of the environment into settings.

import YAMLSettings

/// The raw values of settings, from the file and from the environment, before they have types.
struct SettingCollector {
  struct Raw {
    var value: SettingTree
    var source: SettingSource
  }

  /// The most values that a file may have; an alias counts each time it is used.
  static let maximumValues = 50_000

  let file: String
  let environment: [String: String]
  /// By lower-case key; a setting without a value is not in here.
  private(set) var values: [String: Raw] = [:]
  /// Texts below `Consensus` for which there is no setting.
  private(set) var otherConsensus: [String: String] = [:]
  private(set) var issues: [ConfigurationIssue] = []
  private(set) var notices: [ConfigurationNotice] = []

  init(file: String, environment: [String: String]) {
    self.file = file
    self.environment = environment
  }

  // MARK: File

  /// Takes the settings of the document.
  ///
  /// - Throws: a problem for which the document cannot be read to its end.
  mutating func collect(_ document: YAMLDocument) throws(SettingProblem) {
    let walk = SettingWalk(maximumNodes: Self.maximumValues)
    collect(try walk.root(of: document).entries(), below: "")
    for warning in walk.warnings { warn("\(file), \(warning.reason)") }
  }

  private mutating func collect(_ entries: [SettingTree.Entry], below section: String) {
    var lines: [String: Int] = [:]
    for entry in entries {
      let key = section.isEmpty ? entry.key : "\(section).\(entry.key)"
      let lower = key.lowercased()
      let source = SettingSource.file(file, line: entry.line)
      // Keys are matched without regard to case, so they are duplicates without regard to it, too.
      if let first = lines.updateValue(entry.line, forKey: lower) {
        issues.append(
          ConfigurationIssue(
            key: key, problem: "this key stands in line \(first) already", source: source))
        continue
      }
      if SettingTable.byKey[lower] != nil {
        if !Self.isEmpty(entry.value) { values[lower] = Raw(value: entry.value, source: source) }
      } else if SettingTable.sections.contains(lower) {
        collectSection(entry, key: key, source: source)
      } else if let reason = SettingTable.withoutEffect[lower] {
        if !Self.isEmpty(entry.value) { warn("\(key) has no effect: \(reason) (\(source))") }
      } else if lower.hasPrefix("consensus.") {
        collectOther(entry.value, key: String(key.dropFirst("consensus.".count)))
      } else if lower.hasPrefix("general.bccsp.") {
        // Fabric passes this section on to crypto providers and does not mind strangers in it.
        warn("\(key) is unknown and has no effect (\(source))")
      } else {
        reportUnknown(key, source)
      }
    }
  }

  private mutating func collectSection(
    _ entry: SettingTree.Entry, key: String, source: SettingSource
  ) {
    switch entry.value {
    case .map(let entries): collect(entries, below: key)
    case .null: break
    case .scalar, .list:
      issues.append(
        ConfigurationIssue(
          key: key, problem: "a section with settings is expected, not a single value",
          source: source))
    }
  }

  private mutating func collectOther(_ value: SettingTree, key: String) {
    switch value {
    case .null: otherConsensus[key] = ""
    case .scalar(let text): otherConsensus[key] = text
    case .list(let items):
      for (index, item) in items.enumerated() { collectOther(item, key: "\(key).\(index)") }
    case .map(let entries):
      for entry in entries { collectOther(entry.value, key: "\(key).\(entry.key)") }
    }
  }

  private mutating func reportUnknown(_ key: String, _ source: SettingSource) {
    let sections = Set(SettingTable.all.map { $0.key.split(separator: ".").dropLast() })
      .map { $0.joined(separator: ".") }.sorted()
    let known = SettingTable.all.map(\.key) + sections
    let hint = NearestName.suggestion(for: key, among: known).map { "; did you mean \($0)?" } ?? ""
    issues.append(
      ConfigurationIssue(key: key, problem: "there is no such setting\(hint)", source: source))
  }

  /// Whether nothing is set: no text anywhere in the value.
  static func isEmpty(_ value: SettingTree) -> Bool {
    switch value {
    case .null: true
    case .scalar(let text): text.isEmpty
    case .list(let items): items.allSatisfy(isEmpty)
    case .map(let entries): entries.allSatisfy { isEmpty($0.value) }
    }
  }

  // MARK: Environment

  /// Lays the variables over the file. An empty variable is as good as none.
  mutating func overlayEnvironment() {
    for setting in SettingTable.all {
      let lower = setting.key.lowercased()
      if let (name, text) = variable(setting.variable) {
        values[lower] = Raw(value: .scalar(text), source: .environment(name))
      } else if let (name, path) = variable(setting.variable + "_FILE"),
        values[lower].map({ String.fileReference($0.value) != nil }) ?? true
      {
        let entry = SettingTree.Entry(key: "File", value: .scalar(path), line: 0)
        values[lower] = Raw(value: .map([entry]), source: .environment(name))
      }
    }
    for key in otherConsensus.keys.sorted() {
      if let (_, text) = variable(Setting.variable(for: "Consensus.\(key)")) {
        otherConsensus[key] = text
      }
    }
    for section in SettingTable.sections.sorted() {
      if let (name, _) = variable(Setting.variable(for: section)) {
        issues.append(
          ConfigurationIssue(
            key: section, problem: "this is a section; a variable can set single settings only",
            source: .environment(name)))
      }
    }
    warnAboutMistypedVariables()
  }

  private func variable(_ name: String) -> (String, String)? {
    guard let text = environment[name], !text.isEmpty else { return nil }
    return (name, text)
  }

  /// Other programs may own unknown variables; only one that is a slip away from a setting is worth a
  /// warning.
  private mutating func warnAboutMistypedVariables() {
    let known = Dictionary(
      SettingTable.all.map { ($0.variable, $0.key) }, uniquingKeysWith: { first, _ in first })
    for name in environment.keys.sorted()
    where name.hasPrefix("ORDERER_") && known[name] == nil && !name.hasSuffix("_FILE") {
      let near = known.keys.filter { NearestName.distance($0, name) <= 2 }.sorted()
      if let meant = near.first {
        warn("environment variable \(name) matches no setting; did you mean \(meant)?")
      }
    }
  }

  private mutating func warn(_ message: String) {
    notices.append(ConfigurationNotice(severity: .warning, message: message))
  }
}
