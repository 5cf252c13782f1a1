// The snapshot files of a channel.

import RaftCore
import RaftWire
import Storage

/// A channel's folder of snapshots (etcd: `snap.Snapshotter`). Other files in it, such as the log's if both have
/// one folder, are left alone.
struct SnapshotFolder: Sendable {
  /// The largest file that is read, in bytes: a block and little more.
  static let maximumFile = 1 << 30
  private static let temporary = ".snap.tmp"
  private static let broken = ".broken"

  let path: String

  func path(of name: SnapshotName) -> String { "\(path)/\(name)" }

  /// The snapshots, the oldest first; none if there is no folder.
  func names() throws(StorageError) -> [SnapshotName] {
    guard Folder.exists(path) else { return [] }
    return try Folder.names(path, kind: .file).compactMap { SnapshotName($0) }.sorted()
  }

  /// Why a file is no snapshot.
  enum Unreadable: Error, Equatable {
    case damaged(reason: String)
    case storage(StorageError)
  }

  func read(_ name: SnapshotName) throws(Unreadable) -> Snapshot {
    let bytes: [UInt8]
    do { bytes = try BoundedFile.read(path(of: name), limit: Self.maximumFile) } catch {
      if case .tooLarge = error { throw .damaged(reason: "\(error)") }
      throw .storage(error)
    }
    let snapshot: Snapshot
    do {
      let envelope = try SnapshotEnvelope(wire: bytes[...])
      guard !envelope.data.isEmpty else { throw Unreadable.damaged(reason: "it is empty") }
      guard CRC32C.of(envelope.data) == envelope.crc else {
        throw Unreadable.damaged(reason: "its checksum is not that of its data")
      }
      snapshot = try Snapshot(wire: envelope.data)
    } catch let error as Unreadable {
      throw error
    } catch {
      throw .damaged(reason: "\(error)")
    }
    guard SnapshotMark(index: snapshot.index, term: snapshot.term) == name.mark,
      snapshot.index > 0, snapshot.index <= LogReplay.maximumIndex
    else { throw .damaged(reason: "it is of another index or term than its name says") }
    return snapshot
  }

  /// Makes a snapshot's file, whole or not at all, and durable.
  func write(_ snapshot: Snapshot) throws(StorageError) {
    let name = SnapshotName(SnapshotMark(index: snapshot.index, term: snapshot.term))
    let data = snapshot.wire()
    let envelope = SnapshotEnvelope(crc: CRC32C.of(data[...]), data: data[...])
    let temporary = "\(path)/\(name).tmp"
    do {
      try DurableFile.replace(path(of: name), with: envelope.wire(), through: temporary)
    } catch {
      // Leave no room taken on a disk that may be full.
      try? Folder.remove(temporary)
      throw error
    }
  }

  /// Renames a file so that nobody takes it for a snapshot.
  func putAside(_ name: SnapshotName) throws(StorageError) {
    try Folder.move(path(of: name), to: path(of: name) + Self.broken)
  }

  func remove(_ name: SnapshotName) throws(StorageError) { try Folder.remove(path(of: name)) }

  /// Removes what writes left that were interrupted.
  func removeLeftovers() throws(StorageError) {
    for name in try Folder.names(path, kind: .file) where name.hasSuffix(Self.temporary) {
      try Folder.remove("\(path)/\(name)")
    }
  }
}
