// Reading a channel's raft log without owning it, for tools that look at the files of a running node.

import RaftCore
import RaftWire
import Storage

/// The log and the snapshots of a channel, for reading only. Nothing is locked, written or repaired; what a
/// node writes meanwhile may be seen or not.
package struct StoredLog: Sendable {
  /// One segment.
  package struct SegmentInfo: Sendable {
    package let name: SegmentName
    package let path: String
    /// Of the file, in bytes; a part of it may be zeros that wait to be overwritten.
    package let size: Int64
    /// Where the records end, in bytes.
    package let end: Int64
    package let records: Int
    /// Why the records end there, if not as they should.
    package let fault: String?
  }

  /// One snapshot file.
  package struct SnapshotInfo: Sendable {
    package let path: String
    package let mark: SnapshotMark
    /// What is in it, or why that cannot be told.
    package let content: Result<Snapshot, SnapshotFault>
  }

  /// Why a snapshot file cannot be read.
  package struct SnapshotFault: Error, CustomStringConvertible {
    package let description: String
  }

  /// What a node would find when it opens the log.
  package struct Verdict: Sendable {
    package let hardState: HardState
    package let firstIndex: LogIndex
    package let lastIndex: LogIndex
    package let lastTerm: Term
    package let snapshot: Snapshot?
    /// What it would repair.
    package let repairs: [LogRepair]
  }

  private let segmentFolder: SegmentFolder
  private let snapshotFolder: SnapshotFolder

  package init(_ location: RaftStorage.Location) {
    segmentFolder = SegmentFolder(path: location.logFolder)
    snapshotFolder = SnapshotFolder(path: location.snapshotFolder)
  }

  /// Reads all segments, in order.
  ///
  /// - Parameter body: Gets each record and the segment that it is in.
  package func walk(
    _ body: (SegmentName, StoredRecord) throws -> Void = { _, _ in }
  ) throws -> [SegmentInfo] {
    var infos: [SegmentInfo] = []
    var crc: UInt32 = 0
    var previous: SegmentName?
    for name in try onDisk(segmentFolder.names()) {
      // What was purged in between is not known.
      if let previous, name.sequence != previous.sequence &+ 1 { crc = 0 }
      previous = name
      let file = try segmentFolder.open(name, owned: false).file
      let size = try onDisk(file.size())
      var reader = SegmentReader(file, size: size, crc: crc)
      var records = 0
      while case .record(let stored) = try onDisk(reader.next()) {
        try body(name, stored)
        records += 1
      }
      let end = try onDisk(reader.next())
      infos.append(
        SegmentInfo(
          name: name, path: file.path, size: size, end: reader.offset, records: records,
          fault: try fault(end, reader.offset, file, size)))
      crc = reader.crc
    }
    return infos
  }

  private func fault(
    _ outcome: SegmentReader.Outcome, _ offset: Int64, _ file: any LogFile, _ size: Int64
  ) throws(RaftLogError) -> String? {
    guard case .end(let end) = outcome else { return nil }
    switch try onDisk(TailExamination(file: file, size: size).tail(at: offset, end)) {
    case .clean(leftover: false): return nil
    case .clean(leftover: true): return "the rest of an interrupted write"
    case .torn(let reason), .damaged(let reason): return reason
    }
  }

  /// The snapshot files, the oldest first.
  package func snapshots() throws(RaftLogError) -> [SnapshotInfo] {
    try onDisk(snapshotFolder.names()).map { name in
      let content: Result<Snapshot, SnapshotFault>
      do throws(SnapshotFolder.Unreadable) {
        content = .success(try snapshotFolder.read(name))
      } catch {
        content =
          switch error {
          case .damaged(let reason): .failure(SnapshotFault(description: reason))
          case .storage(let error): .failure(SnapshotFault(description: "\(error)"))
          }
      }
      return SnapshotInfo(path: snapshotFolder.path(of: name), mark: name.mark, content: content)
    }
  }

  /// Reads the log as a node does that starts.
  ///
  /// - Returns: nil if there is no log.
  /// - Throws: what keeps a node from starting.
  package func verdict() throws(RaftLogError) -> Verdict? {
    let names = try onDisk(segmentFolder.names())
    guard !names.isEmpty else {
      guard try onDisk(snapshotFolder.names()).isEmpty else {
        throw .logGone(folder: segmentFolder.path, snapshots: snapshotFolder.path)
      }
      return nil
    }
    var recovery = LogRecovery(
      .reader, segmentFolder, snapshotFolder,
      keptEntries: RaftStorage.Limits().entriesBeforeSnapshot)
    let found = try recovery.run(names)
    return Verdict(
      hardState: found.hardState, firstIndex: found.log.first, lastIndex: found.log.last,
      lastTerm: found.log.term(of: found.log.last) ?? 0, snapshot: found.snapshot,
      repairs: found.repairs)
  }
}
