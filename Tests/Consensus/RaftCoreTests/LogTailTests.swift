import TestSupport
import Testing

@testable import RaftCore

@Suite struct LogTailTests {
  private static func entry(_ term: Term, _ index: LogIndex, _ size: Int = 0) -> Entry {
    Entry(
      kind: index % 7 == 0 ? .change : .normal, term: term, index: index,
      data: ArraySlice(repeating: UInt8(index % 256), count: size))
  }

  /// Against a list of all entries.
  @Test func holdsWhatWasAppended() {
    var random = SplitMix64(seed: 2)
    for _ in 0..<200 {
      let base = LogPosition(term: random.next() % 2, index: random.next() % 5)
      var tail = LogTail(after: base)
      var entries: [Entry] = []
      var first = base.index + 1
      for _ in 0..<60 {
        let last = first + LogIndex(entries.count) - 1
        switch random.next() % 8 {
        case 0:
          let index = first - 1 + random.next() % (LogIndex(entries.count) + 1)
          tail.truncate(to: index)
          entries.removeAll { $0.index > index }
        case 1:
          let index = first - 1 + random.next() % (LogIndex(entries.count) + 1)
          tail.compact(through: index)
          entries.removeAll { $0.index <= index }
          first = index + 1
        case 2: tail.evict(before: first + random.next() % 9, keeping: Int(random.next() % 40))
        default:
          let entry = Self.entry(
            tail.last.term + random.next() % 2, last + 1, Int(random.next() % 9))
          tail.append(entry)
          entries.append(entry)
        }
        check(tail, entries, first, &random)
      }
    }
  }

  private func check(
    _ tail: LogTail, _ entries: [Entry], _ first: LogIndex, _ random: inout SplitMix64
  ) {
    let last = first + LogIndex(entries.count) - 1
    #expect(tail.firstIndex == first && tail.lastIndex == last)
    #expect(tail.firstInMemory >= first && tail.firstInMemory <= last + 1)
    #expect(entries.allSatisfy { tail.matches($0.position) })
    let inMemory = entries.filter { $0.index >= tail.firstInMemory }
    #expect(tail.size == inMemory.reduce(0) { $0 + $1.encodedSize })
    #expect(tail.slice(tail.firstInMemory..<(last + 1), maxSize: .max) == inMemory)
    for entry in entries {
      #expect(tail.hasChange(in: entry.index...entry.index) == (entry.kind == .change))
    }
    guard let from = inMemory.randomElement(using: &random) else { return }
    let some = tail.slice(from.index..<(last + 1), maxSize: 20)
    #expect(some.first == from)
    #expect(some.count == 1 || some.reduce(0) { $0 + $1.encodedSize } <= 20)
    let more = tail.slice(from.index..<(last + 1), maxSize: .max).prefix(some.count + 1)
    #expect(more.count == some.count || more.reduce(0) { $0 + $1.encodedSize } > 20)
  }

  /// As a log is read from the disk, where what was replaced still stands.
  @Test func laterEntriesReplaceEarlierOnes() throws {
    var tail = LogTail(after: LogPosition(term: 1, index: 2))
    for entry in [Self.entry(1, 1), Self.entry(1, 3), Self.entry(1, 4), Self.entry(1, 5)] {
      try tail.append(entry, keeping: .max)
    }
    try tail.append(Self.entry(2, 4), keeping: .max)
    #expect(tail.last == LogPosition(term: 2, index: 4))
    #expect(tail.term(at: 3) == 1 && tail.term(at: 5) == nil)
    #expect(throws: LogTail.Gap(index: 6, last: 4)) {
      try tail.append(Self.entry(2, 6), keeping: .max)
    }
  }

  /// A damaged disk may say anything.
  @Test func largeNumbersDoNotTrap() throws {
    var tail = LogTail(after: LogPosition(term: 1, index: .max))
    try tail.append(Self.entry(1, .max), keeping: 0)
    tail = LogTail()
    #expect(throws: LogTail.Gap.self) { try tail.append(Self.entry(1, .max), keeping: 0) }
  }

  @Test func keepsNoMoreInMemoryThanItIsTold() throws {
    var tail = LogTail()
    for index in 1...100 {
      try tail.append(Self.entry(1, LogIndex(index), 100), keeping: 1000)
      #expect(tail.size <= 1000)
    }
    #expect(tail.lastIndex == 100 && tail.firstInMemory > 90)
    #expect(tail.slice(1..<101, maxSize: .max).isEmpty)
  }

  /// Limits count as Go nodes count.
  @Test func sizesAreThoseOfEtcdsEncoding() {
    #expect(Entry().encodedSize == 6)
    #expect(Entry(term: 127, index: 128).encodedSize == 7)
    #expect(Entry(term: 1, index: 1, data: [1, 2, 3]).encodedSize == 11)
    #expect(
      Entry(term: 1, index: .max, data: ArraySlice(repeating: 0, count: 200)).encodedSize == 218)
  }
}
