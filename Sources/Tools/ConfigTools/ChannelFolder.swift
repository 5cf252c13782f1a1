// Finds a channel's newest configuration in the ledger folder of a node, which may be running.

import BlockLedger
import Blocks
import FabricProtos
import Foundation
import Storage

/// Reads a channel's blocks, and nothing else: no lock is taken, no index opened, nothing written. A
/// block that the node is just writing is not seen.
package struct ChannelFolder: Sendable {
  /// How the node keeps its blocks (`General.LedgerType`).
  package enum Format: Sendable {
    /// `chains/CHANNEL/blockfile_000000`, …
    case file
    /// `chain_CHANNEL/block_00000000000000000000.json`, …
    case json
  }

  /// Bytes of a JSON block's file that are accepted.
  private static let maximumFileSize = 2 << 30

  private let directory: String
  private let channelID: String
  private let format: Format

  /// - Parameters:
  ///   - directory: The node's ledger folder (`FileLedger.Location`).
  /// - Throws: ``ConfigToolsError`` that names the channels there are, if this is not one of them.
  package init(
    directory: String, channelID: String, format: Format = .file
  ) throws(ConfigToolsError) {
    let channels: [String]
    do {
      channels =
        switch format {
        case .file: try LedgerFolder(directory: directory).channelIDs()
        case .json:
          try FileManager.default.contentsOfDirectory(atPath: directory).filter {
            $0.hasPrefix("chain_")
          }.map { String($0.dropFirst(6)) }.sorted()
        }
    } catch {
      throw ConfigToolsError(
        "the ledgers in \(directory) (FileLedger.Location) cannot be read: \(error)")
    }
    guard channels.contains(channelID) else {
      throw ConfigToolsError(
        "this node has no channel \(channelID); it has "
          + (channels.isEmpty ? "none" : channels.joined(separator: ", ")))
    }
    self.directory = directory
    self.channelID = channelID
    self.format = format
  }

  /// The newest config block.
  ///
  /// - Throws: ``ConfigToolsError`` if the channel has no blocks, or they cannot be read.
  package func newestConfigBlock() throws(ConfigToolsError) -> Block {
    do {
      switch format {
      case .file:
        let chain = try LedgerFolder(directory: directory).chain(channelID)
        let height = try chain.height()
        return try newestConfigBlock(height: height) { try chain.block($0).block }
      case .json:
        let folder = "\(directory)/chain_\(channelID)"
        return try newestConfigBlock(height: try jsonHeight(folder)) { try jsonBlock($0, folder) }
      }
    } catch let error as ConfigToolsError {
      throw error
    } catch {
      throw ConfigToolsError("channel \(channelID): \(error)")
    }
  }

  private func newestConfigBlock(
    height: UInt64, _ block: (UInt64) throws -> Block
  ) throws -> Block {
    guard height > 0 else {
      throw ConfigToolsError("channel \(channelID) has no blocks in \(directory)")
    }
    let newest = try block(height - 1)
    let index = try newest.lastConfigIndex(channelID: channelID)
    return index == newest.header.number ? newest : try block(index)
  }

  // MARK: JSON files

  private func jsonHeight(_ folder: String) throws -> UInt64 {
    let numbers = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
      name.hasPrefix("block_") && name.hasSuffix(".json")
        ? UInt64(name.dropFirst(6).dropLast(5)) : nil
    }
    return numbers.max().map { $0 &+ 1 } ?? 0
  }

  private func jsonBlock(_ number: UInt64, _ folder: String) throws -> Block {
    let digits = String(number)
    let name = "block_" + String(repeating: "0", count: 20 - digits.count) + digits + ".json"
    let content = try BoundedFile.read("\(folder)/\(name)", limit: Self.maximumFileSize)
    let block = try Common_Block(jsonUTF8Bytes: content)
    return Block(
      header: BlockHeader(
        number: block.header.number, previousHash: [UInt8](block.header.previousHash),
        dataHash: [UInt8](block.header.dataHash)),
      data: block.data.data.map { [UInt8]($0) },
      metadata: block.metadata.metadata.map { [UInt8]($0) })
  }
}
