// Interrupted writes are taken back; damage to what was synchronized is refused, never forgotten.

import Foundation
import RaftCore
import RaftWire
import Testing

@testable import RaftLog

@Suite struct DamageTests {
  private let folder: MemoryFolder
  private let path: String
  /// The undamaged file, cut to its records.
  private let whole: [UInt8]
  /// Where its records are.
  private let records: [Range<Int>]

  /// Ten saves of one entry and a hard state each, the last ones of more than a sector.
  init() throws {
    folder = try MemoryFolder()
    path = "\(folder.walFolder)/0000000000000000-0000000000000000.wal"
    let storage = try RaftStorage.open(folder.location())
    for index in LogIndex(1)...10 {
      try storage.append(
        [entry(index, size: index < 8 ? 40 : 700)], hardState: state(commit: index - 1))
    }
    try storage.close()
    var records: [Range<Int>] = []
    let infos = try StoredLog(folder.location()).walk {
      records.append(Int($1.offset)..<Int($1.end))
    }
    self.records = records
    whole = Array(try content(path).prefix(Int(infos[0].end)))
  }

  /// Opens the log with `bytes` as its file, and reports what is there; nil if it is refused.
  private func outcome(_ bytes: [UInt8]) throws -> (last: LogIndex, repairs: [LogRepair])? {
    try? FileManager.default.removeItem(atPath: path + ".broken")
    try write(bytes, to: path)
    let verdict = try? StoredLog(folder.location()).verdict()
    do throws(RaftLogError) {
      let storage = try RaftStorage.open(folder.location())
      #expect(verdict?.lastIndex == storage.lastIndex)
      #expect(verdict?.repairs == storage.found.repairs)
      let last = storage.lastIndex
      let repairs = storage.found.repairs
      #expect(storage.found.hardState.commit <= last)
      if last > 0 {
        let there = try storage.entries(from: 1, to: last + 1, maximumBytes: .max)
        #expect(there.map(\.index) == Array(1...last))
      }
      // It goes on, and what is there then is read again.
      try storage.append([entry(last + 1, term: 2, size: 3000)], hardState: state(2, commit: last))
      try storage.close()
      let again = try RaftStorage.open(folder.location())
      #expect(again.lastIndex == last + 1 && again.found.repairs.isEmpty)
      try again.close()
      return (last, repairs)
    } catch {
      switch error {
      case .damaged(let file, _, let reason): #expect(file == path && !reason.isEmpty)
      default: Issue.record("\(error)")
      }
      #expect(verdict == nil)
      #expect(try content(path) == bytes, "what is refused is left as it is")
      return nil
    }
  }

  /// The newest entry of those whose records end within `size` bytes.
  private func last(within size: Int) -> LogIndex {
    // 3 records of the head, then entry and hard state in turn.
    LogIndex(
      records.dropFirst(3).enumerated().filter {
        $0.offset % 2 == 0 && $0.element.upperBound <= size
      }.count)
  }

  @Test func cutOffAnywhereInTheLastThreeRecordsItIsRepaired() throws {
    for size in records[records.count - 3].lowerBound...whole.count {
      let outcome = try #require(try outcome(Array(whole[..<size])), "cut at \(size)")
      #expect(outcome.last == last(within: size), "cut at \(size)")
      let isBetween = records.contains { $0.upperBound == size }
      #expect(outcome.repairs.isEmpty == isBetween, "cut at \(size)")
      #expect(FileManager.default.fileExists(atPath: path + ".broken") == !isBetween)
    }
  }

  @Test func cutOffAndThenZerosAsGoPreallocatesThem() throws {
    let zeros = [UInt8](repeating: 0, count: 4096)
    for size in stride(from: records[records.count - 2].lowerBound, through: whole.count, by: 7) {
      guard let outcome = try outcome(Array(whole[..<size]) + zeros) else {
        // No sector of the record is missing: a byte at its end was 0 for sure only if padding.
        #expect(!records.contains { $0.upperBound == size })
        continue
      }
      #expect(outcome.last >= last(within: size))
      #expect(outcome.last <= last(within: size + 8))
    }
  }

  @Test func aZeroedSectorOfTheLastWriteIsRepairedAndOfEarlierOnesRefused() throws {
    let lastWrite = records[records.count - 2].lowerBound
    for sector in stride(from: 512, to: whole.count, by: 512) {
      var bytes = whole
      let range = sector..<min(sector + 512, whole.count)
      bytes.replaceSubrange(range, with: repeatElement(0, count: range.count))
      let outcome = try outcome(bytes)
      if range.lowerBound >= lastWrite {
        #expect(outcome?.last == 9, "sector at \(sector)")
      } else if range.upperBound > lastWrite {
        // The end of the write before, and the beginning of the last one: they may have been one.
        #expect(outcome.map { $0.last >= 8 } ?? true, "sector at \(sector)")
      } else {
        #expect(outcome == nil, "sector at \(sector)")
      }
    }
  }

  @Test func aFlippedBitIsRefused() throws {
    for offset in stride(from: records[1].upperBound, to: whole.count, by: 61) {
      var bytes = whole
      bytes[offset] ^= 0x10
      // A head that becomes zero is that of a write which did not happen.
      if records.contains(where: { FrameHead.value(bytes[...], at: $0.lowerBound) == 0 }) {
        continue
      }
      // Not all bits matter: those of a head's unused values do, those of the padding do not.
      guard let outcome = try outcome(bytes) else { continue }
      let isPadding = records.contains { range in
        let head = FrameHead(FrameHead.value(whole[...], at: range.lowerBound))
        return range.upperBound - (head?.padding ?? 0) <= offset && offset < range.upperBound
      }
      #expect(
        isPadding && outcome.last == 10, "bit at \(offset), the log ends with \(outcome.last)")
    }
  }

  @Test func garbageBehindTheEnd() throws {
    var garbage = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 37 | 1) }
    #expect(try outcome(whole + garbage) == nil)
    garbage.replaceSubrange(0..<8, with: repeatElement(0, count: 8))
    let outcome = try #require(try outcome(whole + garbage))
    #expect(outcome.last == 10)
    #expect(outcome.repairs == [.interruptedWrite(file: path, offset: Int64(whole.count))])
  }

  @Test func aWriteWithoutItsHeadNeverHappened() throws {
    // Two entries and a hard state with one write, of which all but the first 8 bytes are there.
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(11...12, size: 900), hardState: state(commit: 11))
    try storage.close()
    var bytes = try content(path)
    bytes.replaceSubrange(whole.count..<whole.count + 8, with: repeatElement(0, count: 8))
    let outcome = try #require(try outcome(bytes))
    #expect(outcome.last == 10)
    #expect(outcome.repairs == [.interruptedWrite(file: path, offset: Int64(whole.count))])
  }

  @Test func segmentsThatAreMissingOrWithoutABeginningAreRefused() throws {
    let folder = try MemoryFolder()
    let limits = RaftStorage.Limits.small(4096)
    let storage = try RaftStorage.open(folder.location(), limits: limits)
    for index in LogIndex(1)...30 {
      try storage.append([entry(index, size: 500)], hardState: state(commit: index - 1))
    }
    try storage.close()
    let names = try files(folder.walFolder)
    let saved = try names.map { try content("\(folder.walFolder)/\($0)") }
    func refused() -> Bool { (try? RaftStorage.open(folder.location(), limits: limits)) == nil }
    for (name, bytes) in zip(names, saved) {
      let path = "\(folder.walFolder)/\(name)"
      for damage in [
        [], Array(bytes[..<12]), Array(bytes[..<20]), [UInt8](repeating: 0, count: bytes.count),
      ] {
        try write(damage, to: path)
        // Behind its first frame the newest may have been cut off.
        #expect(refused() || (name == names.last && damage.count == 20))
        try write(bytes, to: path)
      }
      if name != names.last {
        try FileManager.default.removeItem(atPath: path)
        #expect(refused())
        try write(bytes, to: path)
      }
    }
    #expect(!refused())
  }
}
