// From the records of the log, in the order in which they were written, to the state that they add up to.

import RaftCore
import RaftWire

/// What the records from some segment on say.
struct LogReplay {
  private enum Event {
    case entry(LogIndex, EntryIndex.Place)
    case snapshot(SnapshotMark)
  }

  /// Larger indices are taken for damage, so that none can overflow.
  static let maximumIndex = LogIndex.max / 2

  private(set) var hardState = HardState()
  /// The snapshots that the log names.
  private(set) var marks: Set<SnapshotMark> = []
  private var events: [Event] = []

  /// Takes the next record.
  ///
  /// - Throws: ``RaftLogError/damaged(file:offset:reason:)`` if it is not what its kind says.
  mutating func take(_ stored: StoredRecord, in segment: Segment) throws(RaftLogError) {
    let index: LogIndex
    do throws(WireError) {
      switch stored.record.kind {
      case .hardState:
        hardState = try HardState(wire: stored.record.data)
        return
      case .entry:
        let entry = try Entry(wire: stored.record.data)
        index = entry.index
        events.append(
          .entry(
            index,
            EntryIndex.Place(
              term: entry.term, segment: segment, offset: stored.offset,
              frameSize: UInt32(stored.frameSize), crcBefore: stored.crcBefore)))
      case .snapshot:
        let mark = try SnapshotRecord(wire: stored.record.data).mark
        // The beginning of the log.
        guard mark != SnapshotMark() else { return }
        index = mark.index
        marks.insert(mark)
        events.append(.snapshot(mark))
      case .metadata, .checksum, nil: return
      }
    } catch {
      throw .damaged(file: segment.file.path, offset: stored.offset, reason: "\(error)")
    }
    guard index > 0, index <= Self.maximumIndex else {
      throw .damaged(
        file: segment.file.path, offset: stored.offset, reason: "no entry has the index \(index)")
    }
  }

  /// The log on top of a snapshot, or from the first entry on.
  ///
  /// - Parameter kept: Entries before the snapshot's that stay reachable, if they are there.
  /// - Returns: nil if the entry behind the snapshot is not there although later ones are.
  func log(on snapshot: SnapshotMark, keeping kept: UInt64) -> EntryIndex? {
    var log: EntryIndex?
    for event in events {
      switch event {
      case .entry(let index, let place):
        if log?.put(index, place) != true {
          // A gap, which a snapshot has to fill.
          var begun = EntryIndex(base: SnapshotMark(index: index - 1))
          _ = begun.put(index, place)
          log = begun
        }
      case .snapshot(let mark) where mark == snapshot: log = Self.installed(mark, log)
      case .snapshot: break
      }
    }
    guard var log else { return EntryIndex(base: snapshot) }
    guard log.first <= snapshot.index + 1 else { return nil }
    guard log.last >= snapshot.index else { return EntryIndex(base: snapshot) }
    if snapshot.index > 0 {
      if log.base.index == snapshot.index { log.setBaseTerm(snapshot.term) }
      guard log.term(of: snapshot.index) == snapshot.term else {
        return EntryIndex(base: snapshot)
      }
      // The base has to be an entry whose term is known.
      let unknown = log.base.index > 0 && log.base.index < snapshot.index ? log.first : 0
      log.compact(through: max(unknown, snapshot.index - min(snapshot.index, kept)))
    }
    return log
  }

  /// The log after a snapshot was written. If the log has its entry, the snapshot is this node's own;
  /// otherwise it was received in place of entries, and what the log has is another leader's.
  private static func installed(_ mark: SnapshotMark, _ log: EntryIndex?) -> EntryIndex {
    guard var log, log.last >= mark.index, log.base.index <= mark.index else {
      return EntryIndex(base: mark)
    }
    if log.base.index == mark.index {
      log.setBaseTerm(mark.term)
      return log
    }
    guard log.term(of: mark.index) != mark.term else { return log }
    // Go writes the entries that came behind the snapshot before the snapshot.
    guard let next = log.term(of: mark.index + 1), next >= mark.term else {
      return EntryIndex(base: mark)
    }
    log.compact(through: mark.index)
    log.setBaseTerm(mark.term)
    return log
  }
}
