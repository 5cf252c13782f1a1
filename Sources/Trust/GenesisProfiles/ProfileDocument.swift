// A configtx.yaml: finds its profiles and reads them one by one.

import Foundation
import YAMLSettings

/// A configtx.yaml.
///
/// Only the requested profile is read, so a mistake in one profile does not stop another. Names of
/// settings match in any case, names of profiles, policies, capabilities and consortiums exactly.
package struct ProfileDocument: Sendable {
  /// The names of the profiles, in file order.
  package let names: [String]
  /// The file's path or name, for messages.
  package let file: String
  /// The folder that relative paths in the file start from.
  package let directory: String
  /// Remarks on the file as a whole that are not errors.
  package private(set) var warnings: [String]

  private let yaml: String
  private let environment: [String: String]

  private static let sections = [
    "Profiles", "Organizations", "Channel", "Application", "Orderer", "Capabilities", "Resources",
  ]

  /// Reads the text of a configtx.yaml.
  ///
  /// - Parameters:
  ///   - yaml: The text, at most 1 MiB.
  ///   - directory: The folder relative paths start from.
  ///   - file: The file's name in messages; the standard name by default.
  ///   - environment: Variables; `CONFIGTX_ORDERER_ORDERERTYPE` and the like override single
  ///     values of whichever profile is read. None by default.
  /// - Throws: ``GenesisError`` if the text is not YAML within bounds or has no profiles.
  package init(
    yaml: String, directory: String, file: String = "configtx.yaml",
    environment: [String: String] = [:]
  ) throws(GenesisError) {
    self.yaml = yaml
    self.file = file
    self.directory = directory
    self.environment = environment.filter { $0.key.hasPrefix("CONFIGTX_") }
    let walk = SettingWalk(directory: directory)
    let names: [String]?
    do {
      names = try Self.profileNames(in: walk.root(of: YAMLDocument(yaml)))
    } catch {
      throw GenesisError(error, file: file, profile: nil)
    }
    guard let names, !names.isEmpty else {
      throw GenesisError(.missingSetting, file: file, "there is no section \"Profiles\" in it")
    }
    self.names = names
    warnings = Self.texts(walk.warnings, file: file, profile: nil)
  }

  /// The names of the profiles; nil if there is no section for them. Warns about unknown sections.
  private static func profileNames(in root: YAMLSetting) throws(SettingProblem) -> [String]? {
    var names: [String]?
    for (name, section) in try root.namedEntries() {
      let spelling = sections.first { $0.lowercased() == name.lowercased() }
      if spelling == nil {
        root.walk.warn(name, line: section.line, "there is no such section; it is ignored")
      } else if spelling == "Profiles" {
        names = try section.namedEntries().map(\.name)
      }
    }
    return names
  }

  private static func texts(
    _ warnings: [SettingProblem], file: String, profile: String?
  ) -> [String] {
    warnings.map { GenesisError($0, file: file, profile: profile).description }
  }

  /// Reads a configtx.yaml from disk; relative paths in it start from its folder.
  ///
  /// - Throws: ``GenesisError`` if the file cannot be read or ``init(yaml:directory:file:environment:)`` throws.
  package init(
    contentsOf path: String, environment: [String: String] = [:]
  ) throws(GenesisError) {
    let yaml: String
    do {
      yaml = try ConfigurationText.read(path, limit: YAMLDocument.maximumSize)
    } catch {
      let kind: GenesisError.Kind =
        if case .notText = error { .malformedYAML } else { .unreadableFile }
      throw GenesisError(kind, file: path, "\(error)")
    }
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try self.init(yaml: yaml, directory: directory, file: path, environment: environment)
  }

  /// Reads `configtx.yaml` from where Fabric's tools look for it (see ``ConfigurationFile``).
  ///
  /// - Throws: ``GenesisError`` naming the folders if none has one.
  package init(
    searchingFrom currentDirectory: String, environment: [String: String]
  ) throws(GenesisError) {
    let found: ConfigurationFile
    do {
      found = try ConfigurationFile.find(
        "configtx", environment: environment, currentDirectory: currentDirectory)
    } catch {
      throw GenesisError(
        .unreadableFile, file: "configtx.yaml",
        "not found in \(error.searched.joined(separator: ", "));"
          + " set FABRIC_CFG_PATH to the folder that has it")
    }
    try self.init(contentsOf: found.path, environment: environment)
    if let warning = found.warning(environment: environment) { warnings.insert(warning, at: 0) }
  }

  /// Reads one profile and applies the defaults.
  ///
  /// - Parameters:
  ///   - name: Its exact name.
  ///   - dialect: Which generation of Fabric's tools to follow; by default the one that the
  ///     profile's channel capabilities ask for.
  /// - Throws: ``GenesisError`` if there is no such profile, or it is not sound.
  package func profile(
    _ name: String, dialect: ConfigtxDialect? = nil
  ) throws(GenesisError) -> Profile {
    let walk = SettingWalk(directory: directory) { override(of: $0, in: name) }
    do {
      for (candidate, setting) in try profiles(in: walk) where candidate == name {
        var profile = try Profile(
          setting.asBeginning, name: name, file: file, dialect: dialect)
        profile.warnings = Self.texts(walk.warnings, file: file, profile: name)
        return profile
      }
    } catch {
      throw GenesisError(error, file: file, profile: name)
    }
    throw GenesisError(
      .unknownProfile, file: file, profile: name,
      "there is no profile of this name; the file has \(names.joined(separator: ", "))")
  }

  private func profiles(
    in walk: SettingWalk
  ) throws(SettingProblem) -> [(name: String, setting: YAMLSetting)] {
    var profiles: [(name: String, setting: YAMLSetting)] = []
    for (section, entries) in try walk.root(of: YAMLDocument(yaml)).namedEntries()
    where section.lowercased() == "profiles" {
      profiles += try entries.namedEntries()
    }
    return profiles
  }

  /// The value of a variable `CONFIGTX_<KEY>`, with or without `PROFILES_<NAME>_` before the key;
  /// nil if there is none or it is empty (Fabric: 1.4 leaves the profile out, 2.x demands it).
  private func override(of key: String, in profile: String) -> String? {
    if environment.isEmpty { return nil }
    let name = key.uppercased().split(separator: ".").joined(separator: "_")
    for variable in ["CONFIGTX_\(name)", "CONFIGTX_PROFILES_\(profile.uppercased())_\(name)"] {
      if let value = environment[variable], !value.isEmpty { return value }
    }
    return nil
  }
}
