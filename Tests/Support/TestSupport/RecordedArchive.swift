// Ledgers that Go orderers left behind; the README beside the archives tells how they were made.

import Foundation

/// The archives in `Tests/Fixtures/vectors`.
package enum RecordedArchive {
  /// An archive that could not be unpacked.
  struct Failure: Error {
    let archive: String
    let status: Int32
  }

  package static let folder = Repository.fixtures.appending(path: "vectors").path

  /// What `manifest.json` says of the archives, by their names.
  package static func manifests<Manifest: Decodable>(
    _ type: Manifest.Type
  ) throws -> [String: Manifest] {
    try JSONDecoder().decode(
      [String: Manifest].self, from: Data(contentsOf: URL(filePath: "\(folder)/manifest.json")))
  }

  /// Unpacks an archive into a folder, which then has the ledger in `ledger`.
  package static func unpack(_ archive: String, into target: TemporaryFolder) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/tar")
    process.arguments = ["xzf", "\(folder)/\(archive)", "-C", target.path]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(archive: archive, status: process.terminationStatus)
    }
  }
}
