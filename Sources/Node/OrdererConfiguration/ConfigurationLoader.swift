// Finds orderer.yaml, reads it, and lays the environment over it.

import Foundation
import YAMLSettings

/// A configuration and where it came from.
package struct LoadedConfiguration: Sendable, Equatable {
  package var configuration: OrdererConfiguration
  /// The file that was read.
  package var file: String
  /// What the operator should know, in order.
  package var notices: [ConfigurationNotice]

  /// The folder that relative paths are relative to.
  package var folder: String { ConfigurationPath.folder(of: file) }
}

extension OrdererConfiguration {
  /// Reads the configuration: `orderer.yaml` from where ``ConfigurationFile`` finds it, then what
  /// `ORDERER_…` variables override.
  package static func load(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    currentDirectory: String = FileManager.default.currentDirectoryPath
  ) throws(ConfigurationError) -> LoadedConfiguration {
    let found: ConfigurationFile
    do {
      found = try ConfigurationFile.find(
        "orderer", environment: environment, currentDirectory: currentDirectory)
    } catch {
      throw .noConfigurationFile(searched: error.searched)
    }
    let text: String
    do {
      text = try ConfigurationText.read(found.path, limit: YAMLDocument.maximumSize)
    } catch {
      throw ConfigurationError(error, file: found.path)
    }
    var loaded = try parse(text, file: found.path, environment: environment)
    if let warning = found.warning(environment: environment) {
      loaded.notices.insert(ConfigurationNotice(severity: .warning, message: warning), at: 0)
    }
    return loaded
  }

  /// Reads a configuration from the text of an orderer.yaml.
  ///
  /// - Parameter file: The path by which the text is known, for messages and for relative paths.
  package static func parse(
    _ text: String, file: String, environment: [String: String] = [:]
  ) throws(ConfigurationError) -> LoadedConfiguration {
    var collector = SettingCollector(file: file, environment: environment)
    do {
      try collector.collect(YAMLDocument(text))
    } catch {
      throw .malformed(file, reason: error.reason)
    }
    collector.overlayEnvironment()
    return try ConfigurationAssembler(collector: collector).assemble()
  }
}
