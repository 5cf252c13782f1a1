// The raft logs and snapshots of a node's channels, found without owning them.

import RaftLog
import Storage

/// Why a raft folder cannot be looked at.
package struct RaftToolsError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// `Consensus.WALDir` and `Consensus.SnapDir` of a node.
package struct RaftFolders: Sendable {
  package let logs: String
  package let snapshots: String

  package init(logs: String, snapshots: String) {
    self.logs = logs
    self.snapshots = snapshots
  }

  /// The channels that have a log or a snapshot, sorted by name.
  package func channelIDs() throws -> [String] {
    var names: Set<String> = []
    for folder in Set([logs, snapshots]) where Folder.exists(folder, kind: .folder) {
      names.formUnion(try Folder.names(folder, kind: .folder))
    }
    // What is kept aside has a name that no channel can have.
    return try names.filter { name in
      if name.contains("~") { return false }
      let location = location(name)
      return try RaftStorage.exists(location) || !StoredLog(location).snapshots().isEmpty
    }.sorted()
  }

  /// Where a channel's files are.
  ///
  /// - Throws: ``RaftToolsError`` if it has none.
  package func channel(_ channelID: String) throws -> RaftStorage.Location {
    let location = location(channelID)
    guard !channelID.isEmpty, !channelID.contains("/"), channelID != ".", channelID != "..",
      try RaftStorage.exists(location) || !StoredLog(location).snapshots().isEmpty
    else {
      throw RaftToolsError("there is no raft log of channel \(channelID) in \(logs)")
    }
    return location
  }

  /// Where a channel's files are or would be.
  package func location(_ channelID: String) -> RaftStorage.Location {
    RaftStorage.Location(
      channelID: channelID, logFolder: "\(logs)/\(channelID)",
      snapshotFolder: "\(snapshots)/\(channelID)")
  }
}
