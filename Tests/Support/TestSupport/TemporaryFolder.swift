// A folder for one test.

import Foundation

/// A folder of its own for one test, removed with the object.
package final class TemporaryFolder: Sendable {
  package let path: String

  /// - Parameter files: Content by name.
  package init(_ files: [String: [UInt8]] = [:]) throws {
    path = FileManager.default.temporaryDirectory.path + "/heddle-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, bytes) in files {
      try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
