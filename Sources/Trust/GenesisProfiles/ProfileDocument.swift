// A configtx.yaml: finds its profiles and reads them one by one.

import Foundation
import Yams

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
  /// Remarks on the file as a whole that are no errors.
  package let warnings: [String]

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
  ///   - file: How messages call the file; the standard name by default.
  ///   - environment: Variables; `CONFIGTX_ORDERER_ORDERERTYPE` and the like override single
  ///     values of whichever profile is read. None by default.
  /// - Throws: ``GenesisError`` if the text is no YAML within bounds or has no profiles.
  package init(
    yaml: String, directory: String, file: String = "configtx.yaml",
    environment: [String: String] = [:]
  ) throws(GenesisError) {
    self.yaml = yaml
    self.file = file
    self.directory = directory
    self.environment = environment.filter { $0.key.hasPrefix("CONFIGTX_") }
    let context = ReadingContext(file: file, directory: directory, profile: nil, environment: [:])
    let root = try YAMLGuard.compose(yaml, file: file)
    let document = Setting(context: context, key: "", node: root, line: nil, depth: 0)
    var names: [String]?
    for (name, section) in try document.namedEntries() {
      let spelling = Self.sections.first { $0.lowercased() == name.lowercased() }
      if spelling == nil {
        context.warn(name, line: section.line, "there is no such section; it is ignored")
      } else if spelling == "Profiles" {
        names = try section.namedEntries().map(\.name)
      }
    }
    guard let names, !names.isEmpty else {
      throw GenesisError(.missingSetting, file: file, "there is no section \"Profiles\" in it")
    }
    self.names = names
    self.warnings = context.warnings
  }

  /// Reads a configtx.yaml from disk; relative paths in it start from its folder.
  ///
  /// - Throws: ``GenesisError`` if the file cannot be read or ``init(yaml:directory:file:environment:)`` throws.
  package init(
    contentsOf path: String, environment: [String: String] = [:]
  ) throws(GenesisError) {
    let bytes: [UInt8]
    do {
      bytes = try ProfileFile.read(path, limit: YAMLGuard.maximumSize)
    } catch {
      throw GenesisError(.unreadableFile, file: path, "\(error)")
    }
    guard let yaml = String(validating: bytes, as: UTF8.self) else {
      throw GenesisError(.malformedYAML, file: path, "the file is not UTF-8 text")
    }
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try self.init(yaml: yaml, directory: directory, file: path, environment: environment)
  }

  /// Reads `configtx.yaml` from the first folder that has one.
  ///
  /// - Throws: ``GenesisError`` naming the folders if none has one.
  package init(
    searching directories: [String], environment: [String: String] = [:]
  ) throws(GenesisError) {
    for directory in directories {
      let path =
        directory.hasSuffix("/") ? directory + "configtx.yaml" : directory + "/configtx.yaml"
      if FileManager.default.fileExists(atPath: path) {
        try self.init(contentsOf: path, environment: environment)
        return
      }
    }
    throw GenesisError(
      .unreadableFile, file: "configtx.yaml",
      "not found in \(directories.joined(separator: ", "));"
        + " set FABRIC_CFG_PATH to the folder that has it")
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
    let context = ReadingContext(
      file: file, directory: directory, profile: name, environment: environment)
    let root = try YAMLGuard.compose(yaml, file: file)
    let document = Setting(context: context, key: "", node: root, line: nil, depth: 0)
    for (section, profiles) in try document.namedEntries() where section.lowercased() == "profiles"
    {
      for (candidate, setting) in try profiles.namedEntries() where candidate == name {
        return try Profile(
          Setting(
            context: context, key: "", node: setting.node, line: setting.line, depth: setting.depth),
          name: name, dialect: dialect)
      }
    }
    throw GenesisError(
      .unknownProfile, file: file, profile: name,
      "there is no profile of this name; the file has \(names.joined(separator: ", "))")
  }
}
