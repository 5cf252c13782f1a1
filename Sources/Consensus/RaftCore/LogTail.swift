// What a node has of its log in memory: the term of each entry, and the newest entries themselves.

/// The log from the oldest entry on that is on the disk. Also what is read from the disk at a start: an empty one
/// behind the snapshot, and then each entry that was written.
package struct LogTail: Equatable, Sendable {
  /// An entry that does not follow the log's.
  package struct Gap: Error, Equatable, Sendable {
    package let index: LogIndex
    package let last: LogIndex
  }

  private(set) var terms: TermRuns
  /// The newest entries, up to the last; those before `head` were let go of.
  private var entries: [Entry] = []
  private var head = 0
  /// Bytes of the entries in memory.
  private(set) var size = 0
  /// Where the membership changes, in order.
  private var changes: [LogIndex] = []

  /// An empty log behind a snapshot, or behind entries that were compacted.
  package init(after base: LogPosition = LogPosition()) { terms = TermRuns(after: base) }

  /// Before the first entry.
  package var base: LogPosition { terms.base }
  package var firstIndex: LogIndex { terms.base.index + 1 }
  package var lastIndex: LogIndex { terms.last }
  package var last: LogPosition {
    LogPosition(term: terms.term(at: terms.last) ?? 0, index: terms.last)
  }
  /// The first entry that is in memory; one behind the last if none is.
  var firstInMemory: LogIndex { terms.last + 1 - LogIndex(entries.count - head) }

  package func term(at index: LogIndex) -> Term? { terms.term(at: index) }

  func matches(_ position: LogPosition) -> Bool { term(at: position.index) == position.term }

  /// Whether the membership changes in an entry of a range.
  func hasChange(in range: ClosedRange<LogIndex>) -> Bool {
    changes.contains { range.contains($0) }
  }

  /// Adds an entry as it was written: in place of that with its index and of all behind it. One that the log's base
  /// stands for is left out.
  ///
  /// - Parameter tailSize: Bytes of entries to keep in memory.
  package mutating func append(_ entry: Entry, keeping tailSize: Int) throws(Gap) {
    guard entry.index > base.index else { return }
    guard entry.index - 1 <= lastIndex else { throw Gap(index: entry.index, last: lastIndex) }
    truncate(to: entry.index - 1)
    append(entry)
    evict(before: lastIndex + 1, keeping: tailSize)
  }

  /// Adds the entry behind the last.
  mutating func append(_ entry: Entry) {
    terms.append(entry.term)
    entries.append(entry)
    size += entry.encodedSize
    if entry.kind != .normal { changes.append(entry.index) }
  }

  /// Forgets all behind an index.
  mutating func truncate(to index: LogIndex) {
    guard index < lastIndex else { return }
    while entries.count > head, let newest = entries.last, newest.index > index {
      size -= newest.encodedSize
      entries.removeLast()
    }
    while let change = changes.last, change > index { changes.removeLast() }
    terms.truncate(to: index)
  }

  /// Forgets all up to an index.
  mutating func compact(through index: LogIndex) {
    guard index <= lastIndex else { return }
    release(before: index + 1)
    changes.removeAll { $0 <= index }
    terms.compact(through: index)
  }

  /// Lets go of the oldest entries before an index, until no more than `limit` bytes are in memory.
  mutating func evict(before index: LogIndex, keeping limit: Int) {
    while size > limit, head < entries.count, entries[head].index < index { dropFirst() }
    reclaim()
  }

  private mutating func release(before index: LogIndex) {
    while head < entries.count, entries[head].index < index { dropFirst() }
    reclaim()
  }

  private mutating func dropFirst() {
    size -= entries[head].encodedSize
    entries[head].data = []
    head += 1
  }

  /// Frees what was dropped, in steps that cost little for each entry.
  private mutating func reclaim() {
    guard head > 0, head * 2 >= entries.count else { return }
    entries.removeFirst(head)
    head = 0
  }

  /// Entries from an index on that is in memory, as many as fit, and one at least.
  func slice(_ range: Range<LogIndex>, maxSize: Int) -> [Entry] {
    guard range.lowerBound >= firstInMemory, range.upperBound <= lastIndex + 1, !range.isEmpty
    else { return [] }
    let start = head + Int(range.lowerBound - firstInMemory)
    let end = head + Int(range.upperBound - firstInMemory)
    return Array(entries[start..<(start + Entry.fitting(entries[start..<end], maxSize))])
  }
}

extension Entry {
  /// How many of the first entries fit; one at least, if there is any.
  static func fitting(_ entries: ArraySlice<Entry>, _ maxSize: Int) -> Int {
    guard let first = entries.first else { return 0 }
    var size = first.encodedSize
    var count = 1
    for entry in entries.dropFirst() {
      size += entry.encodedSize
      if size > maxSize { break }
      count += 1
    }
    return count
  }
}

extension LogTail {
  /// The newest entry up to `index` whose term is not above `term`: see ``TermRuns/conflict(upTo:term:)``.
  func conflict(upTo index: LogIndex, term: Term) -> LogPosition {
    terms.conflict(upTo: index, term: term)
  }
}
