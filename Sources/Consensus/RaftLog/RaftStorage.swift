// A channel's raft log and snapshots, open for writing.

import Logging
import RaftCore
import RaftWire
import Storage
import Synchronization

/// The write-ahead log and the snapshots of one channel, to the byte as etcdraft keeps them (etcd:
/// `storage/wal`, `etcdserver/api/snap`; Fabric: `orderer/consensus/etcdraft/storage.go`).
///
/// All calls may block and belong on the shell's blocking pool, but ``term(of:)``, ``firstIndex`` and
/// ``lastIndex``, which never wait for a disk. Writes exclude each other; reads do not wait for them.
/// After a write whose outcome is not known nothing more is written until the log is opened anew.
package final class RaftStorage: Sendable {
  /// Where a channel's files are.
  package struct Location: Sendable {
    package let channelID: String
    /// `Consensus.WALDir` and the channel.
    package let logFolder: String
    /// `Consensus.SnapDir` and the channel; may be the same folder.
    package let snapshotFolder: String

    package init(channelID: String, logFolder: String, snapshotFolder: String) {
      self.channelID = channelID
      self.logFolder = logFolder
      self.snapshotFolder = snapshotFolder
    }
  }

  /// Go's, all of them.
  package struct Limits: Sendable {
    /// A segment that has as many bytes is followed by a new one.
    package var segmentSize: Int64 = 64_000_000
    /// Snapshots that are kept, at least one.
    package var snapshots = 4
    /// Entries before the newest snapshot that stay reachable, for members that are little behind.
    package var entriesBeforeSnapshot: UInt64 = 4
    /// Bytes of the newest entries' data that stay in memory.
    package var recentBytes = 1 << 20

    package init() {}
  }

  /// What there was when the log was opened.
  package struct Found: Sendable {
    /// There was no log, and this one was just made: the node begins, joins or migrates.
    package let isNew: Bool
    /// The commit index is that of the snapshot at least and that of the last entry at most.
    package let hardState: HardState
    /// The newest that the log names.
    package let snapshot: Snapshot?
    /// What a crash or damage made necessary; logged already.
    package let repairs: [LogRepair]
  }

  /// One thing to be written.
  package struct Write: Sendable {
    /// Without a gap among them. They replace what is there from the first one's index on.
    package var entries: [Entry]
    package var hardState: HardState?
    /// Whether it has to be durable even if it has no entry and neither term nor vote changes.
    package var mustSync: Bool

    package init(_ entries: [Entry] = [], hardState: HardState? = nil, mustSync: Bool = false) {
      self.entries = entries
      self.hardState = hardState
      self.mustSync = mustSync
    }
  }

  /// What only the one writer touches.
  private enum Writer {
    case open(LogTail)
    /// It is not known what is on the disk. Final.
    case halted(String)
    /// Final.
    case closed
  }

  struct View {
    var log: EntryIndex
    var recent: RecentEntries
  }

  package let location: Location
  package let found: Found
  let limits: Limits
  let logger: Logger
  let segmentFolder: SegmentFolder
  let snapshotFolder: SnapshotFolder
  /// Held while nothing waits.
  let view: Mutex<View>
  private let writer: Mutex<Writer>

  /// Opens the log of a channel, or makes one if there is none. Blocks.
  ///
  /// - Throws: ``RaftLogError/locked(file:)`` if another process or another instance has it;
  ///   ``RaftLogError/logGone(folder:snapshots:)`` if there are only snapshots;
  ///   ``RaftLogError/damaged(file:offset:reason:)`` and ``RaftLogError/incomplete(folder:reason:)`` if
  ///   something is lost that this node may have promised to keep.
  package convenience init(
    _ location: Location, limits: Limits = Limits(), logger: Logger
  ) throws(RaftLogError) {
    try self.init(location, limits: limits, logger: logger, openFile: openLogFile)
  }

  init(
    _ location: Location, limits: Limits, logger: Logger, openFile: @escaping OpenLogFile
  ) throws(RaftLogError) {
    let segments = SegmentFolder(path: location.logFolder, openFile: openFile)
    let snapshots = SnapshotFolder(path: location.snapshotFolder)
    let names = try onDisk(segments.names())
    let recovered: RecoveredLog
    if names.isEmpty {
      logger.info("No WAL data found, creating new WAL at path '\(segments.path)'")
      recovered = try Self.create(segments, snapshots)
    } else {
      logger.info("Found WAL data at path '\(segments.path)', replaying it")
      var recovery = LogRecovery(
        .owner, segments, snapshots, keptEntries: limits.entriesBeforeSnapshot)
      recovered = try recovery.run(names)
    }
    for repair in recovered.repairs { logger.warning("\(repair); \(repair.remedy)") }
    try onDisk(Folder.create(snapshots.path))
    try onDisk(segments.removeLeftovers())
    try onDisk(snapshots.removeLeftovers())
    guard let newest = recovered.segments.last else {
      throw .incomplete(folder: segments.path, reason: "there is no segment")
    }
    self.location = location
    self.limits = limits
    self.logger = logger
    segmentFolder = segments
    snapshotFolder = snapshots
    found = Found(
      isNew: names.isEmpty, hardState: recovered.hardState, snapshot: recovered.snapshot,
      repairs: recovered.repairs)
    view = Mutex(View(log: recovered.log, recent: RecentEntries(limit: limits.recentBytes)))
    let isAsWritten = recovered.hardState == recovered.written
    writer = Mutex(
      .open(
        LogTail(
          newest: newest, older: recovered.segments.dropLast(), size: recovered.size,
          crc: recovered.crc, written: recovered.written,
          pending: isAsWritten ? nil : recovered.hardState)))
  }

  private static func create(
    _ segments: SegmentFolder, _ snapshots: SnapshotFolder
  ) throws(RaftLogError) -> RecoveredLog {
    guard try onDisk(snapshots.names()).isEmpty else {
      throw .logGone(folder: segments.path, snapshots: snapshots.path)
    }
    try onDisk(Folder.create(segments.path, mode: 0o700))
    var frames = FrameWriter(crc: 0)
    frames.appendSegmentHead()
    frames.append(SnapshotRecord(mark: SnapshotMark(), members: nil))
    let crc = frames.crc
    let bytes = frames.releaseMemory()
    let segment = try segments.create(SegmentName(sequence: 0, firstIndex: 0), bytes)
    return RecoveredLog(
      segments: [segment], size: Int64(bytes.count), crc: crc,
      log: EntryIndex(base: SnapshotMark()), snapshot: nil, written: HardState(),
      hardState: HardState(), repairs: [])
  }

  /// Whether a channel has a log. Blocks.
  package static func exists(_ location: Location) throws(RaftLogError) -> Bool {
    try onDisk(!SegmentFolder(path: location.logFolder).names().isEmpty)
  }

  /// Removes the folders of a channel with all that is in them; no error if they are not there. Nobody may
  /// have the log open. Blocks.
  package static func remove(_ location: Location) throws(RaftLogError) {
    // A log without snapshots can be opened, snapshots without their log cannot.
    for folder in [location.snapshotFolder, location.logFolder] where Folder.exists(folder) {
      try onDisk(Folder.remove(folder))
      try onDisk(Folder.synchronize(Folder.parent(of: folder)))
    }
  }

  // MARK: - Writing

  /// Does something with the end of the log, if it is open. An error that says that the outcome is not known
  /// is the last one.
  func writing(
    _ body: (inout LogTail) throws(RaftLogError) -> Void
  ) throws(RaftLogError) {
    try writer.withLock { writer throws(RaftLogError) in
      switch writer {
      case .closed: throw .closed
      case .halted(let reason): throw .halted(reason: reason)
      case .open(var tail):
        // Taken out so that changing it copies nothing; the lock is held.
        writer = .closed
        do throws(RaftLogError) {
          try body(&tail)
          writer = .open(tail)
        } catch {
          if case .halted(let reason) = error {
            writer = .halted(reason)
            logger.critical("\(error)")
          } else {
            writer = .open(tail)
          }
          throw error
        }
      }
    }
  }

  /// Writes what is pending, and lets go of the files. Nothing can be read or written any more. Blocks.
  package func close() throws(RaftLogError) {
    defer {
      writer.withLock { $0 = .closed }
      view.withLock { view in
        view.log.reset(to: SnapshotMark(index: view.log.last))
        view.recent.removeAll()
      }
    }
    do { try synchronize() } catch {
      switch error {
      case .closed, .halted: break
      default: throw error
      }
    }
  }
}
