// Join blocks on disk: what a node was told to join, until it has what it needs.

import Storage

/// The folder `pendingops/join` of a ledger folder (Fabric: `orderer/common/filerepo`): a file for each
/// channel whose join has not come to its end, with the block that the operator gave.
package struct JoinBlockFolder: Sendable {
  /// The largest join block, in bytes.
  package static let maximumBytes = 256 << 20

  private static let ending = ".join"
  /// What a file is called while it is written.
  private static let unfinished = ".join~"

  /// For messages.
  package let path: String
  private let pool: BlockingPool

  /// Opens the folder, creating it if there is none, and deletes files that were not written to their end.
  /// Blocks the thread.
  ///
  /// - Parameters:
  ///   - directory: `FileLedger.Location`
  ///   - pool: The threads for later calls.
  init(directory: String, pool: BlockingPool) throws(LedgerError) {
    path = "\(directory)/pendingops/join"
    self.pool = pool
    try onDisk(Folder.create(path))
    let leftovers = try onDisk(Folder.names(path, kind: .file))
      .filter { $0.hasSuffix(Self.unfinished) }
    if leftovers.isEmpty { return }
    for name in leftovers { try onDisk(Folder.remove("\(path)/\(name)")) }
    try onDisk(Folder.synchronize(path))
  }

  /// The channels that have a join block, sorted by name.
  package func channelIDs() throws(LedgerError) -> [String] {
    try onDisk(Folder.names(path, kind: .file))
      .filter { $0.hasSuffix(Self.ending) }.map { String($0.dropLast(Self.ending.count)) }
      .filter(isUsableChannelName)
  }

  /// A channel's serialized join block; nil if it has none.
  package func read(_ channelID: String) async throws(LedgerError) -> [UInt8]? {
    try await pool.run(channelID) { () throws(LedgerError) in
      let file = "\(path)/\(channelID)\(Self.ending)"
      guard Folder.exists(file) else { return nil }
      return try onDisk(BoundedFile.read(file, limit: Self.maximumBytes))
    }
  }

  /// Notes the serialized join block of a channel, durably.
  package func save(_ channelID: String, _ block: [UInt8]) async throws(LedgerError) {
    guard isUsableChannelName(channelID) else { throw .invalidChannelName(channelID) }
    try await pool.run(channelID) { () throws(LedgerError) in
      try onDisk(
        DurableFile.replace(
          "\(path)/\(channelID)\(Self.ending)", with: block,
          through: "\(path)/\(channelID)\(Self.unfinished)", mode: 0o600))
    }
  }

  /// Forgets a channel's join block, durably. No error if it has none.
  package func remove(_ channelID: String) async throws(LedgerError) {
    guard isUsableChannelName(channelID) else { throw .invalidChannelName(channelID) }
    try await pool.run(channelID) { () throws(LedgerError) in
      try onDisk(Folder.remove("\(path)/\(channelID)\(Self.ending)"))
      try onDisk(Folder.synchronize(path))
    }
  }
}
