// Opens a log that is there: finds out what it says, and takes back what a crash left half done.

import RaftCore
import RaftWire
import Storage

/// What a log turned out to be when it was opened.
struct RecoveredLog {
  let segments: [Segment]
  /// Bytes of the newest segment.
  let size: Int64
  /// Of all records.
  let crc: UInt32
  let log: EntryIndex
  let snapshot: Snapshot?
  /// As the log has it.
  let written: HardState
  /// As it has to be.
  let hardState: HardState
  let repairs: [LogRepair]
}

/// Reads a channel's log and snapshots, and repairs what can be repaired without forgetting anything that
/// this node may have promised.
struct LogRecovery {
  enum Access {
    /// The segments are locked, and repairs are made.
    case owner
    /// Nothing is locked or written; repairs are only told.
    case reader
  }

  private let access: Access
  let segmentFolder: SegmentFolder
  let snapshotFolder: SnapshotFolder
  /// Entries before the snapshot that stay reachable.
  let keptEntries: UInt64
  private var repairs: [LogRepair] = []
  /// Snapshots to be put aside once nobody else can have the log.
  private var unusable: [SnapshotName] = []

  init(
    _ access: Access, _ segments: SegmentFolder, _ snapshots: SnapshotFolder, keptEntries: UInt64
  ) {
    self.access = access
    segmentFolder = segments
    snapshotFolder = snapshots
    self.keptEntries = keptEntries
  }

  /// What the segments from some place on say.
  private struct Scan {
    let from: Int
    let segments: [Segment]
    let replay: LogReplay
    let size: Int64
    let crc: UInt32
  }

  /// - Parameter names: The segments in the folder, in order, at least one.
  mutating func run(_ names: [SegmentName]) throws(RaftLogError) -> RecoveredLog {
    var scan: Scan?
    // Snapshots that the log does not name. A node writes the file first, so the newest may be one.
    var unnamed: [SnapshotName] = []
    for name in try onDisk(snapshotFolder.names()).reversed() {
      guard let snapshot = try readSnapshot(name) else { continue }
      let current = try self.scan(names, for: name.mark, &scan)
      guard current.replay.marks.contains(name.mark) else {
        unnamed.append(name)
        continue
      }
      return try finish(current, snapshot, unnamed)
    }
    return try finish(self.scan(names, for: SnapshotMark(), &scan), nil, unnamed)
  }

  /// Nil if the file is damaged; it is put aside then.
  private mutating func readSnapshot(_ name: SnapshotName) throws(RaftLogError) -> Snapshot? {
    do throws(SnapshotFolder.Unreadable) { return try snapshotFolder.read(name) } catch {
      switch error {
      case .storage(let error): throw .storage(error)
      case .damaged(let reason):
        unusable.append(name)
        repairs.append(.damagedSnapshot(file: snapshotFolder.path(of: name), reason: reason))
        return nil
      }
    }
  }

  /// The segments that a log on top of a snapshot needs, unless they are read already.
  private mutating func scan(
    _ names: [SegmentName], for mark: SnapshotMark, _ known: inout Scan?
  ) throws(RaftLogError) -> Scan {
    guard let from = names.lastIndex(where: { $0.firstIndex <= mark.index }) else {
      throw .incomplete(
        folder: segmentFolder.path,
        reason:
          "\(names[0]) is the first segment, but entry \(mark.index + 1) and those behind it are "
          + "needed, since there is no newer snapshot")
    }
    if let known, known.from <= from { return known }
    let needed = names[from...]
    for (name, next) in zip(needed, needed.dropFirst()) where next.sequence != name.sequence &+ 1 {
      throw .incomplete(
        folder: segmentFolder.path, reason: "segments between \(name) and \(next) are missing")
    }
    // Lets go of the locks.
    known = nil
    let scan = try read(needed, from)
    known = scan
    return scan
  }

  private mutating func read(
    _ names: ArraySlice<SegmentName>, _ from: Int
  ) throws(RaftLogError) -> Scan {
    var segments: [Segment] = []
    for name in names { segments.append(try segmentFolder.open(name, owned: access == .owner)) }
    var replay = LogReplay()
    var crc: UInt32 = 0
    var size: Int64 = 0
    for (number, segment) in segments.enumerated() {
      let isNewest = number == segments.count - 1
      let length = try onDisk(segment.file.size())
      var reader = SegmentReader(segment.file, size: length, crc: crc)
      let end = try read(&reader, segment, &replay)
      try settle(end, at: reader.offset, of: length, segment, isNewest: isNewest)
      crc = reader.crc
      size = reader.offset
    }
    return Scan(from: from, segments: segments, replay: replay, size: size, crc: crc)
  }

  private func read(
    _ reader: inout SegmentReader, _ segment: Segment, _ replay: inout LogReplay
  ) throws(RaftLogError) -> SegmentEnd {
    while true {
      switch try onDisk(reader.next()) {
      case .record(let stored):
        guard stored.offset > 0 || stored.record.kind == .checksum else {
          throw .damaged(
            file: segment.file.path, offset: 0, reason: "the segment does not begin with a checksum"
          )
        }
        try replay.take(stored, in: segment)
      case .end(let end): return end
      }
    }
  }

  /// Accepts the end of a segment, repairs it, or throws.
  private mutating func settle(
    _ end: SegmentEnd, at offset: Int64, of size: Int64, _ segment: Segment, isNewest: Bool
  ) throws(RaftLogError) {
    let path = segment.file.path
    guard offset > 0 else {
      throw .damaged(
        file: path, offset: 0, reason: "the segment has no beginning, but a node makes none without"
      )
    }
    let tail = try onDisk(TailExamination(file: segment.file, size: size).tail(at: offset, end))
    guard isNewest else {
      guard case .clean(leftover: false) = tail else {
        throw .damaged(file: path, offset: offset, reason: "records end here, but segments follow")
      }
      return
    }
    switch tail {
    case .clean(leftover: false): break
    case .clean(leftover: true): repairs.append(.interruptedWrite(file: path, offset: offset))
    case .damaged(let reason): throw .damaged(file: path, offset: offset, reason: reason)
    case .torn(let reason):
      if access == .owner { try onDisk(segmentFolder.keepCopy(of: segment, size: size)) }
      repairs.append(.tornTail(file: path, offset: offset, reason: reason))
    }
    guard access == .owner, size > offset else { return }
    // Nothing but zeros may be where the next record goes, and behind it.
    try onDisk(segment.file.truncate(to: offset))
    try onDisk(segment.file.synchronizeData())
  }

  private mutating func finish(
    _ scan: Scan, _ snapshot: Snapshot?, _ unnamed: [SnapshotName]
  ) throws(RaftLogError) -> RecoveredLog {
    guard unnamed.count < 2 else {
      throw .incomplete(
        folder: segmentFolder.path,
        reason:
          "it does not know the snapshots \(unnamed.map(\.description).joined(separator: ", ")), "
          + "so its end is lost")
    }
    let mark = SnapshotMark(index: snapshot?.index ?? 0, term: snapshot?.term ?? 0)
    guard let log = scan.replay.log(on: mark, keeping: keptEntries) else {
      throw .incomplete(
        folder: segmentFolder.path,
        reason:
          "entry \(mark.index + 1) is not there, though later ones are; the snapshot that they "
          + "follow is missing or damaged, look for a .broken one in \(snapshotFolder.path)")
    }
    for name in unnamed {
      // Go would start from it, and fail.
      unusable.append(name)
      repairs.append(.unnamedSnapshot(file: snapshotFolder.path(of: name)))
    }
    if access == .owner {
      for name in unusable { try onDisk(snapshotFolder.putAside(name)) }
    }
    let hardState = settle(scan.replay.hardState, mark, log)
    return RecoveredLog(
      segments: scan.segments, size: scan.size, crc: scan.crc, log: log, snapshot: snapshot,
      written: scan.replay.hardState, hardState: hardState, repairs: repairs)
  }

  /// The hard state that fits the log.
  ///
  /// A commit below the snapshot is what Go leaves if it takes one during a replay. A commit beyond the end is
  /// what it leaves if it is killed while it receives a snapshot: it writes the hard state first. (The end of
  /// a log cannot be lost without the hard states that were written behind it.)
  private mutating func settle(
    _ written: HardState, _ snapshot: SnapshotMark, _ log: EntryIndex
  ) -> HardState {
    var state = written
    if state.commit > log.last {
      repairs.append(.commitBeyondEnd(state.commit, last: log.last))
      state.commit = log.last
    } else if state.commit < snapshot.index {
      repairs.append(.commitBelowSnapshot(state.commit, snapshot: snapshot.index))
      state.commit = snapshot.index
    }
    let term = max(snapshot.term, log.term(of: log.last) ?? 0)
    if term > state.term {
      state.term = term
      state.vote = 0
    }
    return state
  }
}
