// Finds a channel's newest configuration in the ledger folder of a node, which may be running.

import BlockLedger
import Blocks
import FabricProtos

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
        case .json: try JSONChain.channelIDs(in: directory)
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
        let chain = JSONChain(channelID: channelID, in: directory)
        return try newestConfigBlock(height: try chain.height()) { try chain.block($0) }
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
}
