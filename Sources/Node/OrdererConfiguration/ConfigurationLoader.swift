// Finds orderer.yaml, reads it, and lays the environment over it.

import Foundation

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
  /// Where the configuration is looked for when nothing says where it is.
  package static let systemFolder = "/etc/hyperledger/fabric"

  /// Reads the configuration: from the folder `FABRIC_CFG_PATH`, which must exist, else from the
  /// current one, else from `/etc/hyperledger/fabric`; then what `ORDERER_…` variables override.
  package static func load(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    currentDirectory: String = FileManager.default.currentDirectoryPath
  ) throws(ConfigurationError) -> LoadedConfiguration {
    let file = try findFile(environment: environment, currentDirectory: currentDirectory)
    let text: String
    do throws(TextFile.Failure) {
      text = try TextFile.read(file, limit: YAMLTree.Limits.bytes)
    } catch {
      switch error {
      case .tooLarge(let bytes):
        throw .fileTooLarge(file, bytes: bytes, limit: YAMLTree.Limits.bytes)
      case .unreadable(let reason): throw .unreadableFile(file, reason: reason)
      case .notUTF8: throw .malformed(file, reason: "it is not a text in UTF-8")
      }
    }
    return try parse(text, file: file, environment: environment)
  }

  /// Reads a configuration from the text of an orderer.yaml.
  ///
  /// - Parameter file: The path by which the text is known, for messages and for relative paths.
  package static func parse(
    _ text: String, file: String, environment: [String: String] = [:]
  ) throws(ConfigurationError) -> LoadedConfiguration {
    let entries: [YAMLTree.Entry]
    do throws(YAMLTree.Problem) {
      entries = try YAMLTree.parseMapping(text)
    } catch {
      throw .malformed(file, reason: error.reason)
    }
    var collector = SettingCollector(file: file, environment: environment)
    collector.collect(entries)
    collector.overlayEnvironment()
    return try ConfigurationAssembler(collector: collector).assemble()
  }

  private static func findFile(
    environment: [String: String], currentDirectory: String
  ) throws(ConfigurationError) -> String {
    var folders = [currentDirectory, systemFolder]
    if let folder = environment["FABRIC_CFG_PATH"], !folder.isEmpty {
      let path = ConfigurationPath.resolve(folder, against: currentDirectory)
      guard isDirectory(path) else { throw .noConfigurationFolder(folder) }
      folders = [path]
    }
    for folder in folders {
      for name in ["orderer.yaml", "orderer.yml"] {
        let path = ConfigurationPath.clean(folder + "/" + name)
        if FileManager.default.fileExists(atPath: path), !isDirectory(path) { return path }
      }
    }
    throw .noConfigurationFile(searched: folders)
  }

  private static func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && isDirectory.boolValue
  }
}
