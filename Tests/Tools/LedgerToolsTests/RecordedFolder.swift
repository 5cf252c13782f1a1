// Ledgers that Go's orderers have written, to look at with the tools.

import BlockLedger
import Foundation
import TestSupport
import Testing

@testable import LedgerTools

/// An unpacked recording, removed with the object.
final class RecordedFolder: Sendable {
  private let folder: TemporaryFolder
  var path: String { folder.path }
  /// The consensus type of each channel.
  let consensus: [String: String]
  var ledger: String { "\(folder.path)/ledger" }

  private struct Manifest: Codable {
    let consensus: [String: String]
  }

  init(_ archive: String) throws {
    consensus = try #require(RecordedArchive.manifests(Manifest.self)[archive]).consensus
    folder = try TemporaryFolder()
    try RecordedArchive.unpack(archive, into: folder)
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
