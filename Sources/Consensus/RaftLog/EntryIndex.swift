// Where each entry of the log is on the disk, without the entries themselves.

import RaftCore
import RaftWire

/// The entries of the log from some index on, without a gap.
struct EntryIndex: Sendable {
  /// Where one entry is.
  struct Place: Sendable {
    let term: Term
    let segment: Segment
    /// Of the entry's frame in the segment, in bytes.
    let offset: Int64
    let frameSize: UInt32
    /// Of all records before it.
    let crcBefore: UInt32
  }

  /// The entry before the first; its term is needed to tell whether others have the same log.
  private(set) var base: SnapshotMark
  private var places: [Place] = []

  init(base: SnapshotMark) { self.base = base }

  var first: LogIndex { base.index + 1 }
  /// One less than ``first`` if there is no entry.
  var last: LogIndex { base.index + UInt64(places.count) }
  var isEmpty: Bool { places.isEmpty }

  /// The term of an entry, or of the one before the first.
  func term(of index: LogIndex) -> Term? {
    index == base.index ? base.term : place(of: index)?.term
  }

  func place(of index: LogIndex) -> Place? {
    index > base.index && index <= last ? places[Int(index - base.index) - 1] : nil
  }

  /// Those from `index` on, `count` at most.
  func places(from index: LogIndex, count: Int) -> ArraySlice<Place> {
    guard index > base.index, index <= last else { return [] }
    return places[(Int(index - base.index) - 1)...].prefix(count)
  }

  /// Adds entry `index`, which replaces what is there from it on.
  ///
  /// - Returns: false, and nothing is changed, if there would be a gap, or if the entry is before the first.
  mutating func put(_ index: LogIndex, _ place: Place) -> Bool {
    guard index > base.index, index <= last + 1 else { return false }
    places.removeLast(Int(last + 1 - index))
    places.append(place)
    return true
  }

  /// Forgets the entries up to `index`, which must be there.
  mutating func compact(through index: LogIndex) {
    guard index > base.index, let term = term(of: index) else { return }
    places.removeFirst(Int(index - base.index))
    base = SnapshotMark(index: index, term: term)
  }

  /// Forgets all entries.
  mutating func reset(to mark: SnapshotMark) {
    base = mark
    places = []
  }

  /// Says what the entry before the first is.
  mutating func setBaseTerm(_ term: Term) { base.term = term }

  /// Whether an entry is in one of the segments up to `name`.
  func reaches(into name: SegmentName) -> Bool {
    places.first.map { $0.segment.name <= name } ?? false
  }
}
