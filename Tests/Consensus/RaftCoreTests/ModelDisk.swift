// A disk that keeps what was synced, and a state machine, for tests that crash.

import RaftCore

/// What one node finds again after a crash.
struct ModelDisk {
  private(set) var base = LogPosition()
  private(set) var entries: [Entry] = []
  private(set) var hardState = HardState()
  private(set) var snapshot = Snapshot()

  init() {}

  /// A disk with a snapshot and nothing behind it.
  init(snapshot: Snapshot) {
    self.snapshot = snapshot
    hardState = HardState(term: snapshot.term, vote: 0, commit: snapshot.index)
    base = LogPosition(term: snapshot.term, index: snapshot.index)
  }

  var lastIndex: LogIndex { base.index + LogIndex(entries.count) }

  func entry(at index: LogIndex) -> Entry? {
    guard index > base.index, index <= lastIndex else { return nil }
    return entries[Int(index - base.index) - 1]
  }

  /// - Returns: What is wrong with it, if anything.
  mutating func write(_ persist: RaftCore.Persist) -> String? {
    if let snapshot = persist.snapshot {
      self.snapshot = snapshot
      base = LogPosition(term: snapshot.term, index: snapshot.index)
      entries = []
    }
    if let first = persist.entries.first {
      guard first.index > base.index, first.index <= lastIndex + 1 else {
        return "entries from \(first.index) on do not fit a log of \(base.index)..\(lastIndex)"
      }
      entries.removeLast(Int(lastIndex + 1 - first.index))
      entries += persist.entries
    }
    for (place, entry) in entries.enumerated()
    where entry.index != base.index + LogIndex(place) + 1 {
      return "entry \(entry.index) is in the place of \(base.index + LogIndex(place) + 1)"
    }
    if let hardState = persist.hardState { self.hardState = hardState }
    return nil
  }

  mutating func take(_ newer: Snapshot) { snapshot = newer }

  mutating func compact(through index: LogIndex) {
    guard let entry = entry(at: index) else { return }
    entries.removeFirst(Int(index - base.index))
    base = entry.position
  }

  /// What a read gets: as much as fits.
  func answer(_ read: RaftCore.LogRead) -> [Entry] {
    var size = 0
    return read.range.lazy.map { entry(at: $0) }.prefix { entry in
      size += entry?.encodedSize ?? 0
      return entry != nil && (size <= read.maxSize || entry?.index == read.range.lowerBound)
    }.compactMap { $0 }
  }

  /// A core as it starts from here.
  func start(_ configuration: RaftCore.Configuration, seed: UInt64) throws -> RaftCore {
    var log = LogTail(after: base)
    for entry in entries { try log.append(entry, keeping: configuration.tailSize) }
    return try RaftCore(
      configuration, hardState: hardState, snapshot: snapshot, log: log, seed: seed)
  }
}

/// What entries make of a state: a number that tells all that was applied, and in which order.
struct ModelState: Equatable {
  var index: LogIndex = 0
  var digest: UInt64 = 0

  mutating func apply(_ entry: Entry) {
    index = entry.index
    for byte in [UInt8(truncatingIfNeeded: entry.term)] + entry.data {
      digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 &+ 1
    }
  }

  var bytes: ArraySlice<UInt8> { Array("\(digest)".utf8)[...] }

  init() {}

  init(_ snapshot: Snapshot) {
    index = snapshot.index
    digest = UInt64(String(decoding: snapshot.data, as: UTF8.self)) ?? 0
  }
}
