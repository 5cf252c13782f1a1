// The segment files of a channel: which there are, making one, putting a damaged one aside.

import RaftCore
import RaftWire
import Storage

/// A channel's folder of segments (etcd: `wal`). Other files in it, such as snapshots if both have one folder or
/// SmartBFT's log, are left alone.
struct SegmentFolder: Sendable {
  /// Bytes that are copied at a time.
  private static let window = 1 << 20
  /// What a segment is called before its beginning is durable.
  private static let temporary = ".wal.tmp"
  /// Segments that Go makes before it needs them.
  private static let spare = ["0.tmp", "1.tmp"]

  let path: String
  private let openFile: OpenLogFile

  init(path: String, openFile: @escaping OpenLogFile = openLogFile) {
    self.path = path
    self.openFile = openFile
  }

  /// The segments, in order; none if there is no folder.
  func names() throws(StorageError) -> [SegmentName] {
    guard Folder.exists(path) else { return [] }
    return try Folder.names(path, kind: .file).compactMap { SegmentName($0) }.sorted()
  }

  /// Opens a segment; to be written to if it is `owned`, and locked then.
  ///
  /// - Throws: ``RaftLogError/locked(file:)`` if somebody else has the lock.
  func open(_ name: SegmentName, owned: Bool) throws(RaftLogError) -> Segment {
    let file = try onDisk(openFile("\(path)/\(name)", owned ? .updating : .reading))
    if owned {
      guard try onDisk(file.lockRecords()) else { throw .locked(file: file.path) }
    }
    return Segment(name, file)
  }

  /// Makes a segment that begins with `bytes`. Its name is there only once they are durable: Go would take a
  /// segment without a beginning for the end of the log, and forget what it acknowledges from then on.
  ///
  /// - Returns: the segment, locked.
  func create(_ name: SegmentName, _ bytes: [UInt8]) throws(RaftLogError) -> Segment {
    let temporary = "\(path)/\(name).tmp"
    do throws(RaftLogError) {
      try onDisk(write(bytes, to: temporary))
      try onDisk(Folder.move(temporary, to: "\(path)/\(name)"))
      return try open(name, owned: true)
    } catch {
      try? Folder.remove(temporary)
      // It may have its name, but that may not be durable. It must not be made once more under another one.
      guard !Folder.exists("\(path)/\(name)") else { throw .halted(reason: "\(error)") }
      throw error
    }
  }

  private func write(_ bytes: [UInt8], to path: String) throws(StorageError) {
    let file = try openFile(path, .replacing)
    try file.write(bytes[...], at: 0)
    try file.synchronizeData()
  }

  /// Keeps a copy of a damaged segment under another name, replacing an earlier one.
  func keepCopy(of segment: Segment, size: Int64) throws(StorageError) {
    let copy = try File("\(path)/\(segment.name).broken", .replacing, mode: 0o600)
    var offset: Int64 = 0
    while offset < size {
      let bytes = try segment.file.read(
        at: offset, count: Int(min(Int64(Self.window), size - offset)))
      guard !bytes.isEmpty else { break }
      try copy.write(bytes, at: offset)
      offset += Int64(bytes.count)
    }
    try copy.synchronizeData()
    try Folder.synchronize(path)
  }

  func remove(_ name: SegmentName) throws(StorageError) { try Folder.remove("\(path)/\(name)") }

  /// Removes what no node needs: segments that were never begun. Only for whoever has the log's locks.
  func removeLeftovers() throws(StorageError) {
    for name in try Folder.names(path, kind: .file)
    where name.hasSuffix(Self.temporary) || Self.spare.contains(name) {
      try Folder.remove("\(path)/\(name)")
    }
  }
}
