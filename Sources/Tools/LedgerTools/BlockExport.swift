// Blocks out of the ledger into files of their own, as `peer channel fetch` writes them.

import BlockLedger
import Foundation

/// Writes blocks as serialized `common.Block`, one file each.
package struct BlockExport: Sendable {
  private let chain: StoredChain
  private let directory: String

  /// - Parameter directory: Where the files go; it is created if it is not there.
  package init(_ chain: StoredChain, directory: String) {
    self.chain = chain
    self.directory = directory
  }

  /// The file of a block: the channel's name and the number.
  package func path(_ number: UInt64) -> String {
    "\(directory)/\(chain.channelID)_\(number).block"
  }

  /// Writes the blocks of a range, as far as they exist.
  ///
  /// - Returns: how many there were.
  /// - Throws: `LedgerError` if one cannot be read; Foundation's error if one cannot be written.
  package func run(
    _ range: ClosedRange<UInt64>, progress: (UInt64) throws -> Void = { _ in }
  ) async throws -> UInt64 {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    var count: UInt64 = 0
    try await chain.walk(from: range.lowerBound) { item in
      switch item {
      case .block(let stored):
        let number = stored.header.number
        guard number <= range.upperBound else { return false }
        try Data(stored.wireForm.readableBytesView)
          .write(to: URL(fileURLWithPath: path(number)), options: .atomic)
        count += 1
        try progress(count)
        return number < range.upperBound
      case .incomplete:
        return false
      case .unreadable(let file, let offset, let reason):
        throw LedgerError.corrupt(
          channel: chain.channelID, file: file, offset: offset, block: nil, reason: reason)
      }
    }
    return count
  }
}
