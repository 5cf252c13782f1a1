// Opens the folder of the LevelDB index for one process alone, and starts it anew if it is damaged.

import Logging
import Storage

enum IndexFolder {
  /// Opens `index` in `directory`.
  ///
  /// Three locks keep others out. The one on the folder itself holds whatever happens to the index.
  /// The flock(2) on `index/LOCK` is how Go's orderer locks. LevelDB's own library uses another kind
  /// of lock (fcntl) on the same file.
  ///
  /// - Returns: the database, and the locks, which last as long as the files are kept open. They
  ///   must not be closed before the database: that would drop LevelDB's lock as well.
  static func open(
    directory: String, logger: Logger
  ) throws(LedgerError) -> (database: LevelDB, locks: [File]) {
    var locks: [File] = []
    let folder = try onDisk(File(directory, .folder))
    do throws(LedgerError) {
      guard try onDisk(folder.lock()) else { throw .locked(path: directory) }
      locks.append(folder)
    } catch {
      // Some network file systems cannot lock folders; the other locks remain.
      guard case .storage(.io) = error else { throw error }
      logger.debug("No lock on the ledger folder itself: \(error)")
    }
    let path = "\(directory)/index"
    if Folder.exists(path), !Folder.exists(path, kind: .folder) {
      try moveAside(path, "it is not a folder", logger)
    }
    do { return try attempt(path, locks) } catch {
      guard let failure = error as? LevelDB.Failure, failure.isCorruption else {
        throw ledgerError(error, path)
      }
      try moveAside(path, failure.message, logger)
    }
    do { return try attempt(path, locks) } catch { throw ledgerError(error, path) }
  }

  private static func attempt(
    _ path: String, _ locks: [File]
  ) throws -> (database: LevelDB, locks: [File]) {
    try onDisk(Folder.create(path))
    let lock = try onDisk(File("\(path)/LOCK", .creating))
    guard try onDisk(lock.lock()) else { throw LedgerError.locked(path: path) }
    let database = try LevelDB(path: path)
    // Damage often shows only when something is read, so look where opening a channel will.
    try probe(database, channels: "\(Folder.parent(of: path))/chains")
    return (database, locks + [lock])
  }

  private static func probe(_ database: LevelDB, channels: String) throws {
    guard Folder.exists(channels, kind: .folder) else { return }
    do {
      for name in try onDisk(Folder.names(channels, kind: .folder)) {
        let index = ChannelIndex(database: database, channelID: name)
        _ = try index.checkpoint()
        _ = try index.location(0)
        if let last = try index.lastIndexed() { _ = try index.location(last) }
      }
    } catch {
      database.close()
      throw error
    }
  }

  private static func ledgerError(_ error: any Error, _ path: String) -> LedgerError {
    if let error = error as? LedgerError { return error }
    if let failure = error as? LevelDB.Failure { return .index(path, failure) }
    return .index(path: path, reason: "\(error)")
  }

  /// Keeps a damaged index for whoever wants to look at it; the one before it is deleted.
  private static func moveAside(
    _ path: String, _ reason: String, _ logger: Logger
  ) throws(LedgerError) {
    let target = "\(path).damaged"
    logger.warning(
      "The block index \(path) is damaged and will be rebuilt from the block files, moving it to \(target): \(reason)"
    )
    try onDisk(Folder.remove(target))
    try onDisk(Folder.move(path, to: target))
  }
}
