// Finds configuration files where Fabric's programs find them.

import Foundation

/// A configuration file such as `orderer.yaml`, by its name without ending.
package struct ConfigurationFile: Equatable, Sendable {
  /// The variable that says where to look first.
  package static let variable = "FABRIC_CFG_PATH"
  /// The last folder to be searched.
  package static let systemFolder = "/etc/hyperledger/fabric"

  /// No folder has the file.
  package struct NotFound: Error, Equatable {
    /// The folders, in the order in which they were searched.
    package let searched: [String]
  }

  /// The file's path.
  package let path: String
  /// Folders that were searched before, and do not have the file.
  package let passedOver: [String]

  /// Looks for `<name>.yaml`, else `<name>.yml`: in the folder that `FABRIC_CFG_PATH` names, if it
  /// names one, then in the current folder, then in `/etc/hyperledger/fabric` (Fabric since 2.3:
  /// `viperutil.ConfigPaths`; before, a folder that was named was the only one).
  package static func find(
    _ name: String, environment: [String: String], currentDirectory: String,
    systemFolder: String = systemFolder
  ) throws(NotFound) -> ConfigurationFile {
    var folders = [currentDirectory, systemFolder]
    if let folder = environment[variable], !folder.isEmpty {
      folders.insert(ConfigurationPath.resolve(folder, against: currentDirectory), at: 0)
    }
    for (index, folder) in folders.enumerated() {
      for ending in ["yaml", "yml"] {
        let path = ConfigurationPath.clean("\(folder)/\(name).\(ending)")
        if isFile(path) {
          return ConfigurationFile(path: path, passedOver: Array(folders[..<index]))
        }
      }
    }
    throw NotFound(searched: folders)
  }

  private static func isFile(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && !isDirectory.boolValue
  }

  /// What the operator should know if the file is not where `FABRIC_CFG_PATH` says.
  package func warning(environment: [String: String]) -> String? {
    guard let folder = environment[Self.variable], !folder.isEmpty, !passedOver.isEmpty else {
      return nil
    }
    return
      "\(path) is used, since \(Self.variable) names the folder \(folder), which has no such file"
  }
}
