// The newest entries of a log in memory, so that sending them to others reads no disk.

import RaftCore

/// The end of the log, up to a number of bytes of data.
struct RecentEntries: Sendable {
  private let limit: Int
  private var entries: [Entry] = []
  private var bytes = 0

  /// - Parameter limit: Bytes of data that are kept; the newest entry is kept whatever its size.
  init(limit: Int) { self.limit = limit }

  /// Adds an entry, which replaces those from its index on.
  mutating func append(_ entry: Entry) {
    while let last = entries.last, last.index >= entry.index {
      bytes -= last.data.count
      entries.removeLast()
    }
    if let last = entries.last, last.index != entry.index - 1 { removeAll() }
    entries.append(entry)
    bytes += entry.data.count
    guard bytes > limit, entries.count > 1 else { return }
    // Many at once, since those that stay have to move.
    var dropped = 0
    while bytes > limit / 2, dropped < entries.count - 1 {
      bytes -= entries[dropped].data.count
      dropped += 1
    }
    entries.removeFirst(dropped)
  }

  mutating func removeAll() {
    entries = []
    bytes = 0
  }

  /// The entries from `index` on; nil if that one is not here.
  func suffix(from index: LogIndex) -> ArraySlice<Entry>? {
    guard let first = entries.first?.index, index >= first,
      index - first < UInt64(entries.count)
    else { return nil }
    return entries[Int(index - first)...]
  }
}
