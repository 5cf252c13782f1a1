// A disk that keeps what was synced, and of the rest what it likes.

import RaftCore

/// A node's log file and snapshots. What was written and not synced is in order, and a crash keeps any beginning of it.
struct ModelDisk {
  enum Write {
    /// In place of all entries from the first one's index on.
    case entries([Entry])
    case hardState(HardState)
    /// In place of the log, or, if the log has the snapshot's last entry, beside it.
    case snapshot(Snapshot)
  }

  /// What a node finds after a crash.
  struct Contents {
    var hardState = HardState()
    var snapshot = Snapshot()
    /// Before the first entry.
    var base = LogPosition()
    var entries: [Entry] = []

    var lastIndex: LogIndex { base.index + LogIndex(entries.count) }

    func term(at index: LogIndex) -> Term? {
      if index == base.index { return base.term }
      guard index > base.index, index <= lastIndex else { return nil }
      return entries[Int(index - base.index) - 1].term
    }

    /// Whether an entry is there, or was compacted, which only committed ones are.
    func holds(_ index: LogIndex, _ term: Term) -> Bool {
      index < base.index || self.term(at: index) == term
    }

    /// - Returns: False for entries that do not follow what is there.
    mutating func take(_ write: Write) -> Bool {
      switch write {
      case .hardState(let state): hardState = state
      case .entries(let new):
        guard let first = new.first else { return true }
        guard first.index > base.index, first.index <= lastIndex + 1 else { return false }
        entries.removeLast(Int(lastIndex + 1 - first.index))
        entries += new
      case .snapshot(let new):
        guard new.index > snapshot.index else { return true }
        snapshot = new
        guard term(at: new.index) != new.term else { return true }
        base = LogPosition(term: new.term, index: new.index)
        entries = []
      }
      return true
    }

    /// Forgets entries that the snapshot stands for.
    mutating func compact(through index: LogIndex) {
      guard index > base.index, index <= snapshot.index, let term = term(at: index) else { return }
      entries.removeFirst(Int(index - base.index))
      base = LogPosition(term: term, index: index)
    }

    /// Entries from an index on, as many as fit, and one at least.
    func slice(_ range: Range<LogIndex>, maxSize: Int) -> [Entry] {
      guard range.lowerBound > base.index, range.upperBound <= lastIndex + 1 else { return [] }
      var size = 0
      var found: [Entry] = []
      for index in range {
        let entry = entries[Int(index - base.index) - 1]
        size += entry.encodedSize
        if !found.isEmpty, size > maxSize { break }
        found.append(entry)
      }
      return found
    }
  }

  /// What is synced.
  private(set) var contents = Contents()
  /// Written, in order, and not synced; what was written together is together.
  private var unsynced: [[Write]] = []

  mutating func write(_ writes: [Write]) { unsynced.append(writes) }

  /// The oldest unsynced writes are synced.
  ///
  /// - Returns: False if they do not follow what is there.
  mutating func syncFirst() -> Bool {
    guard !unsynced.isEmpty else { return true }
    var isSound = true
    for write in unsynced.removeFirst() where !contents.take(write) { isSound = false }
    return isSound
  }

  /// All that was written is synced.
  ///
  /// - Returns: As ``syncFirst()``.
  mutating func syncAll() -> Bool {
    var isSound = true
    while !unsynced.isEmpty { if !syncFirst() { isSound = false } }
    return isSound
  }

  mutating func compact(through index: LogIndex) { contents.compact(through: index) }

  /// The machine stops. Any number of the unsynced writes are there afterwards, and of the entries in the next one any
  /// number, but nothing behind what is lost.
  ///
  /// - Returns: How many writes were unsynced, and how many of them are there.
  mutating func crash(_ dice: inout Dice) -> (unsynced: Int, kept: Int) {
    let all = unsynced.flatMap { $0 }
    unsynced = []
    let kept = dice.below(all.count + 1)
    for write in all.prefix(kept) where !contents.take(write) { break }
    if kept < all.count, case .entries(let entries) = all[kept] {
      _ = contents.take(.entries(Array(entries.prefix(dice.below(entries.count)))))
    }
    return (all.count, kept)
  }

  /// The disk loses what was synced: its newest entries, its vote, or all.
  mutating func lose(_ dice: inout Dice) {
    switch dice.below(3) {
    case 0: contents = Contents()
    case 1:
      contents.entries.removeLast(dice.below(contents.entries.count + 1))
    default: contents.hardState = HardState(commit: contents.snapshot.index)
    }
  }

  /// The node begins anew.
  mutating func wipe() {
    contents = Contents()
    unsynced = []
  }
}
