// What Go's orderers were recorded to send each other and to leave on the disk, where it lies beside the
// checkout.

import Foundation

/// The folder that HEDDLE_RAFT_VECTORS names: recorded messages, and archives of nodes' folders.
package enum RaftVectors {
  /// Nil if there are none: tests that need them do not run then.
  package static let folder = ProcessInfo.processInfo.environment["HEDDLE_RAFT_VECTORS"].map {
    URL(filePath: $0)
  }
  package static var areThere: Bool { folder != nil }

  package struct Missing: Error {}

  /// A file below the folder.
  package static func data(_ path: String) throws -> Data {
    guard let folder else { throw Missing() }
    return try Data(contentsOf: folder.appending(path: path))
  }

  /// The lines of a compressed file below the folder.
  package static func lines(ofCompressed path: String) throws -> [Data] {
    guard let folder else { throw Missing() }
    let output = Pipe()
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["gzip", "-dc", folder.appending(path: path).path]
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return data.split(separator: UInt8(ascii: "\n")).map { Data($0) }
  }

  /// Unpacks the archive of that name, without `.tar.gz`, into a folder.
  package static func unpack(_ archive: String, into target: URL) throws {
    guard let folder else { throw Missing() }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "tar", "-xzf", folder.appending(path: "\(archive).tar.gz").path, "-C", target.path,
    ]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Missing() }
  }
}
