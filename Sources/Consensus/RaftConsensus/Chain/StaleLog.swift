// A log that a channel of the same name left behind.

import Logging
import RaftLog
import Storage

/// The folders of a log that must not be used, and not be lost either.
struct StaleLog: Sendable {
  /// Stale logs of one name that are kept.
  private static let maximumCount = 100

  private let location: RaftStorage.Location

  init(_ location: RaftStorage.Location) { self.location = location }

  /// Gives the folders other names, which no channel can have. Blocks.
  func putAside(logger: Logger) throws(StorageError) {
    for folder in Set([location.logFolder, location.snapshotFolder]).sorted() {
      guard Folder.exists(folder) else { continue }
      let free = (1...Self.maximumCount).map { "\(folder)~\($0)" }.first { !Folder.exists($0) }
      guard let free else {
        throw .io(
          path: folder, operation: "put aside, as was done a hundred times before,", code: 17)
      }
      try Folder.move(folder, to: free)
      logger.warning(
        """
        \(folder) belongs to a channel of this name that began with another block: it is put aside as \
        \(free), and may be deleted
        """)
    }
  }
}
