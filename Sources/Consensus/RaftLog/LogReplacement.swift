// Puts another log in the place of a channel's, at once, and keeps the old one aside: for a way out when a group has lost
// its majority for good.

import Foundation
import RaftCore
import RaftWire
import Storage

/// A channel's log and snapshots, locked so that no orderer starts on them, to be replaced by others.
///
/// The switch is one rename: that of a new segment which begins with the new snapshot, behind all that are there. Its
/// snapshot's file is there before, and no log names it until then. So a process that is killed at any moment leaves
/// the old log or the new one, whether logs and snapshots have one folder or two, and for every orderer that reads
/// them.
package final class LogReplacement: Sendable {
  /// What is done, in this order.
  enum Step: Sendable, CaseIterable {
    /// All files have a second name in a folder that no orderer looks at.
    case keptAside
    /// The new snapshot has its file.
    case snapshotWritten
    /// The new log is in force.
    case switched
    /// The old files are gone from the folders.
    case cleared
  }

  /// Folders of one name that are kept.
  private static let maximumCopies = 100

  package let location: RaftStorage.Location
  private let segmentFolder: SegmentFolder
  private let snapshotFolder: SnapshotFolder
  /// Those that are there; they are locked as long as they are open.
  private let segments: [Segment]
  private let done: @Sendable (Step) throws(RaftLogError) -> Void

  /// Locks the log. Blocks.
  ///
  /// - Throws: ``RaftLogError/locked(file:)`` if an orderer runs on it.
  package convenience init(_ location: RaftStorage.Location) throws(RaftLogError) {
    try self.init(location, done: { _ in })
  }

  /// - Parameter done: Told of each step; what it throws ends the work there, as a crash would.
  init(
    _ location: RaftStorage.Location,
    done: @escaping @Sendable (Step) throws(RaftLogError) -> Void
  ) throws(RaftLogError) {
    self.location = location
    self.done = done
    let folder = SegmentFolder(path: location.logFolder)
    segmentFolder = folder
    snapshotFolder = SnapshotFolder(path: location.snapshotFolder)
    var segments: [Segment] = []
    for name in try onDisk(folder.names()) {
      segments.append(try folder.open(name, owned: true))
    }
    self.segments = segments
  }

  /// Puts a snapshot, entries behind it and a hard state in the place of all that is there. Blocks.
  ///
  /// - Returns: The folders in which what was there is kept.
  package func replace(
    by snapshot: Snapshot, _ entries: [Entry], _ hardState: HardState
  ) throws(RaftLogError) -> [String] {
    let mark = SnapshotMark(index: snapshot.index, term: snapshot.term)
    try checkOrder(mark, entries)
    let kept = try keepAside()
    try done(.keptAside)
    try onDisk(Folder.create(location.snapshotFolder))
    try onDisk(Folder.create(location.logFolder, mode: 0o700))
    try onDisk(snapshotFolder.write(snapshot))
    try done(.snapshotWritten)
    let name = SegmentName(
      sequence: segments.last.map { $0.name.sequence + 1 } ?? 0, firstIndex: mark.index)
    let newest = try segmentFolder.create(name, bytes(snapshot, entries, hardState))
    try done(.switched)
    for copy in kept { try clear(copy, but: ["\(newest.name)", "\(SnapshotName(mark))"]) }
    try done(.cleared)
    return kept.map(\.copy)
  }

  private func checkOrder(_ mark: SnapshotMark, _ entries: [Entry]) throws(RaftLogError) {
    var last = mark
    for entry in entries {
      guard entry.index == last.index + 1, entry.term >= last.term else {
        throw .unordered(
          reason: "entry \(entry.index) of term \(entry.term) does not follow on \(last)")
      }
      last = SnapshotMark(index: entry.index, term: entry.term)
    }
    guard mark.index > 0, last.index <= LogReplay.maximumIndex else {
      throw .unordered(reason: "no log can end at \(last)")
    }
  }

  private func bytes(
    _ snapshot: Snapshot, _ entries: [Entry], _ hardState: HardState
  ) -> [UInt8] {
    var frames = FrameWriter(crc: 0)
    frames.appendSegmentHead()
    frames.append(
      SnapshotRecord(
        mark: SnapshotMark(index: snapshot.index, term: snapshot.term), members: snapshot.members))
    for entry in entries { frames.append(entry) }
    frames.append(hardState)
    return Array(frames.pieces.joined())
  }

  // MARK: What was there

  private struct Copy {
    let folder: String
    let copy: String
    let names: [String]
  }

  /// Gives every file a second name: the files themselves do not change any more.
  private func keepAside() throws(RaftLogError) -> [Copy] {
    var copies: [Copy] = []
    for folder in Set([location.logFolder, location.snapshotFolder]).sorted() {
      guard Folder.exists(folder) else { continue }
      let names = try onDisk(Folder.names(folder, kind: .file)).filter { !$0.hasSuffix(".tmp") }
      if names.isEmpty { continue }
      let free = (1...Self.maximumCopies).map { "\(folder)~\($0)" }.first { !Folder.exists($0) }
      guard let free else {
        throw .storage(
          .io(path: folder, operation: "keep, as was done a hundred times before,", code: EEXIST))
      }
      try onDisk(Folder.create(free, mode: 0o700))
      for name in names { try onDisk(Self.link("\(folder)/\(name)", "\(free)/\(name)")) }
      try onDisk(Folder.synchronize(free))
      copies.append(Copy(folder: folder, copy: free, names: names))
    }
    return copies
  }

  /// A second name, or a copy where the file system knows no second names.
  private static func link(_ source: String, _ target: String) throws(StorageError) {
    if Foundation.link(source, target) == 0 { return }
    do { try FileManager.default.copyItem(atPath: source, toPath: target) } catch {
      throw .io(path: source, operation: "copy (\(error.localizedDescription))", code: EIO)
    }
    try File(target, .reading).synchronizeData()
  }

  private func clear(_ copy: Copy, but names: Set<String>) throws(RaftLogError) {
    for name in copy.names where !names.contains(name) {
      try onDisk(Folder.remove("\(copy.folder)/\(name)"))
    }
    try onDisk(Folder.synchronize(copy.folder))
  }
}
