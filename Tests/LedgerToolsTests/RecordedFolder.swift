// Ledgers that Go's orderers have written, to look at with the tools.

import Foundation
import Testing

/// An unpacked recording, removed with the object.
final class RecordedFolder: Sendable {
  let path: String
  var ledger: String { "\(path)/ledger" }

  init(_ archive: String) throws {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/vectors").path
    path = "\(FileManager.default.temporaryDirectory.path)/heddle-tools-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
    process.arguments = ["xzf", "\(fixtures)/\(archive)", "-C", path]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func changeByte(_ channel: String, at offset: Int, by mask: UInt8) throws {
    let file = URL(fileURLWithPath: "\(ledger)/chains/\(channel)/blockfile_000000")
    var content = try Data(contentsOf: file)
    content[offset] ^= mask
    try content.write(to: file)
  }

  func append(_ channel: String, _ bytes: [UInt8]) throws {
    let file = try #require(
      FileHandle(forWritingAtPath: "\(ledger)/chains/\(channel)/blockfile_000000"))
    try file.seekToEnd()
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }
}
