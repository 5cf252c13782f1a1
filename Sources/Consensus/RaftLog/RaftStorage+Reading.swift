// Reading entries back, from memory or by their place on the disk.

import RaftCore
import RaftWire
import Storage

extension RaftStorage {
  /// The oldest entry that can be read; one more than ``lastIndex`` if there is none.
  package var firstIndex: LogIndex { view.withLock { $0.log.first } }

  /// The newest entry; that of the snapshot if there is none behind it.
  package var lastIndex: LogIndex { view.withLock { $0.log.last } }

  /// The term of an entry that can be read, or of the one before; nil for others.
  package func term(of index: LogIndex) -> Term? { view.withLock { $0.log.term(of: index) } }

  /// Forgets where the entries up to `index` are; they cannot be read any more, nor overwritten.
  package func compact(through index: LogIndex) {
    view.withLock { view in view.log.compact(through: min(index, view.log.last)) }
  }

  /// Entries from `first` on, as many as have about `maximumBytes` together, but one at least; none at or
  /// behind `end`. Blocks if they are not in memory.
  ///
  /// - Throws: ``RaftLogError/unavailable(index:first:last:)`` if `first` is compacted, or `end` is beyond the
  ///   log; ``RaftLogError/damaged(file:offset:reason:)`` if the disk has something else by now.
  package func entries(
    from first: LogIndex, to end: LogIndex, maximumBytes: Int
  ) throws(RaftLogError) -> [Entry] {
    guard first < end else { return [] }
    let source = try view.withLock { view throws(RaftLogError) in
      guard first >= view.log.first, end <= view.log.last + 1 else {
        throw .unavailable(
          index: first >= view.log.first ? end - 1 : first, first: view.log.first,
          last: view.log.last)
      }
      let count = Int(end - first)
      return if let recent = view.recent.suffix(from: first) {
        Source.memory(Array(Self.prefix(recent.prefix(count), of: maximumBytes) { $0.wireSize }))
      } else {
        Source.disk(
          Array(
            Self.prefix(view.log.places(from: first, count: count), of: maximumBytes) {
              Int($0.frameSize)
            }))
      }
    }
    switch source {
    case .memory(let entries): return entries
    case .disk(let places): return try read(places[...], from: first)
    }
  }

  /// Copied while the lock is held, so that no append copies the rest.
  private enum Source {
    case memory([Entry])
    case disk([EntryIndex.Place])
  }

  /// As many elements as have `limit` bytes together, but one at least.
  private static func prefix<Element>(
    _ elements: ArraySlice<Element>, of limit: Int, _ size: (Element) -> Int
  ) -> ArraySlice<Element> {
    var sum = 0
    var count = 0
    for element in elements {
      sum += size(element)
      if sum > limit, count > 0 { break }
      count += 1
    }
    return elements.prefix(count)
  }

  /// Bytes between two entries that are read along with them rather than skipped.
  private static let gap: Int64 = 4 << 10

  private func read(
    _ places: ArraySlice<EntryIndex.Place>, from first: LogIndex
  ) throws(RaftLogError) -> [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(places.count)
    var rest = places
    while let begin = rest.first {
      // Entries that lie one behind the other are read at once.
      var end = begin.offset
      let run = rest.prefix { place in
        guard place.segment === begin.segment, place.offset >= end,
          place.offset - end <= Self.gap
        else { return false }
        end = place.offset + Int64(place.frameSize)
        return true
      }
      let bytes = try onDisk(
        begin.segment.file.read(at: begin.offset, count: Int(end - begin.offset)))
      for place in run {
        let index = first + UInt64(entries.count)
        entries.append(try Self.entry(index, place, bytes, from: begin.offset))
      }
      rest = rest.dropFirst(run.count)
    }
    return entries
  }

  private static func entry(
    _ index: LogIndex, _ place: EntryIndex.Place, _ bytes: [UInt8], from offset: Int64
  ) throws(RaftLogError) -> Entry {
    let begin = Int(place.offset - offset)
    let end = begin + Int(place.frameSize)
    if end <= bytes.count {
      let frame = bytes[begin..<end]
      if let head = FrameHead(FrameHead.value(frame, at: begin)), head.frameSize == frame.count,
        let record = try? LogRecord(
          wire: frame.dropFirst(FrameHead.size).prefix(head.recordSize)),
        CRC32C.update(place.crcBefore, record.data) == record.crc,
        let entry = try? Entry(wire: record.data), entry.index == index, entry.term == place.term
      {
        return entry
      }
    }
    throw .damaged(
      file: place.segment.file.path, offset: place.offset,
      reason: "entry \(index) was there and is not any more")
  }
}
