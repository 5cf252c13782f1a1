// Reading a ledger folder without owning it, for tools that look at the files of a running node.

import Storage

/// The ledgers in a folder, for reading only.
///
/// Nothing is locked, written or repaired, and the index is not used: only the block files are read, so
/// that it does not matter whether a node has the folder open. What that node appends meanwhile may be
/// seen or not; a block that is being written is taken for an incomplete one.
package struct LedgerFolder: Sendable {
  /// `FileLedger.Location`.
  package let directory: String
  private var chains: String { "\(directory)/chains" }

  /// - Throws: ``LedgerError/unsupported(path:reason:)`` if there is no file ledger in the folder.
  package init(directory: String) throws(LedgerError) {
    self.directory = directory
    guard Folder.exists("\(directory)/chains", kind: .folder) else {
      throw .unsupported(
        path: directory, reason: "this is no file ledger, there is no folder \"chains\" in it")
    }
  }

  /// The channels that have a folder, sorted by name.
  package func channelIDs() throws(LedgerError) -> [String] {
    try onDisk(Folder.names(chains, kind: .folder)).filter(isUsableChannelName)
  }

  /// The block files of a channel.
  ///
  /// - Throws: ``LedgerError/unsupported(path:reason:)`` if there is no such channel,
  ///   ``LedgerError/corrupt(channel:file:offset:block:reason:)`` if a file between others is missing.
  package func chain(_ channelID: String) throws(LedgerError) -> StoredChain {
    guard isUsableChannelName(channelID), Folder.exists("\(chains)/\(channelID)", kind: .folder)
    else { throw .unsupported(path: directory, reason: "there is no channel \(channelID) in it") }
    return try StoredChain(channelID: channelID, folder: "\(chains)/\(channelID)")
  }
}
