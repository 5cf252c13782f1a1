// Ledgers that Go's orderers have written, to look at with the tools.

import BlockLedger
import Foundation
import TestSupport
import Testing

@testable import LedgerTools

/// An unpacked recording, removed with the object.
final class RecordedFolder: Sendable {
  let path: String
  /// The consensus type of each channel.
  let consensus: [String: String]
  var ledger: String { "\(path)/ledger" }

  private struct Manifest: Codable {
    let consensus: [String: String]
  }

  init(_ archive: String) throws {
    let fixtures = Repository.fixtures.appending(path: "vectors").path
    let manifests = try JSONDecoder().decode(
      [String: Manifest].self,
      from: Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/manifest.json")))
    consensus = try #require(manifests[archive]).consensus
    path = "\(FileManager.default.temporaryDirectory.path)/heddle-tools-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
    process.arguments = ["xzf", "\(fixtures)/\(archive)", "-C", path]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  /// The longest chain of each consensus type.
  func longest() throws -> [(channel: String, figures: ChainSummary.Figures)] {
    let chains = try ChainSummary.all(in: LedgerFolder(directory: ledger)).map { summary in
      (channel: summary.channel, figures: try #require(summary.figures))
    }
    return Set(consensus.values).sorted().compactMap { type in
      chains.filter { consensus[$0.channel] == type }.max { $0.figures.height < $1.figures.height }
    }
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

extension ChainSummary {
  /// nil if the channel is unreadable.
  var figures: Figures? {
    if case .figures(let figures) = outcome { figures } else { nil }
  }
}
