// What is appended to a log is there when it is opened again, and nothing else.

import Foundation
import RaftCore
import RaftWire
import Testing

@testable import RaftLog

@Suite struct AppendingTests {
  private let folder: MemoryFolder

  init() throws { folder = try MemoryFolder() }

  @Test func aNewLogIsWhatGoMakes() throws {
    let storage = try RaftStorage.open(folder.location())
    #expect(storage.found.isNew)
    #expect(storage.found.hardState == HardState() && storage.found.snapshot == nil)
    #expect(storage.firstIndex == 1 && storage.lastIndex == 0 && storage.term(of: 0) == 0)
    let name = "0000000000000000-0000000000000000.wal"
    #expect(try files(folder.walFolder) == [name])
    // As in the recorded folders: checksum 0, metadata, snapshot (0, 0).
    let head: [UInt8] =
      [4, 0, 0, 0, 0, 0, 0, 0x84, 8, 4, 16, 0, 0, 0, 0, 0]
      + [4, 0, 0, 0, 0, 0, 0, 0x84, 8, 1, 16, 0, 0, 0, 0, 0]
    #expect(try content("\(folder.walFolder)/\(name)").starts(with: head))
    let modes = try [folder.walFolder, "\(folder.walFolder)/\(name)"].map {
      try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int
    }
    #expect(modes == [0o700, 0o600])
    try storage.close()
    #expect(try RaftStorage.exists(folder.location()))
  }

  @Test func entriesAndStateAreThereAgain() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...3), hardState: state(commit: 0))
    try storage.append(entries(4...9, size: 5000), hardState: state(commit: 3))
    // What it has in memory and what it reads are the same.
    let inMemory = try storage.entries(from: 1, to: 10, maximumBytes: .max)
    #expect(try inMemory == storage.allEntries())
    #expect(inMemory == entries(1...3) + entries(4...9, size: 5000))
    try storage.close()
    let again = try RaftStorage.open(folder.location())
    #expect(!again.found.isNew && again.found.repairs.isEmpty)
    #expect(again.found.hardState == state(commit: 3))
    #expect(try again.allEntries() == inMemory)
    #expect(again.term(of: 9) == 1 && again.term(of: 10) == nil)
  }

  @Test func laterEntriesReplaceEarlierOnesAndAllBehindThem() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...9), hardState: state(1))
    try storage.append(entries(4...5, term: 2), hardState: state(2))
    #expect(storage.lastIndex == 5 && storage.term(of: 4) == 2 && storage.term(of: 6) == nil)
    let expected = entries(1...3) + entries(4...5, term: 2)
    #expect(try storage.entries(from: 1, to: 6, maximumBytes: .max) == expected)
    try storage.close()
    #expect(try RaftStorage.open(folder.location()).allEntries() == expected)
  }

  @Test func whatIsQueuedGoesWithOneWrite() throws {
    let faults = FaultPlan()
    let storage = try RaftStorage.open(folder.location(), openFile: faults.open)
    faults.forget()
    try storage.append([
      .init(entries(1...2), hardState: state(1)), .init(entries(3...3)),
      .init(entries(3...4, term: 2), hardState: state(2, commit: 2)), .init(),
    ])
    // It grows once; the frames behind the first head, then that head; one sync.
    #expect(faults.operations == ["truncate", "write", "write", "synchronize"])
    #expect(storage.lastIndex == 4)
    try storage.close()
    let again = try RaftStorage.open(folder.location())
    #expect(try again.allEntries() == entries(1...2) + entries(3...4, term: 2))
    #expect(again.found.hardState == state(2, commit: 2))
  }

  @Test func aCommitAloneWaitsForTheNextWrite() throws {
    let faults = FaultPlan()
    let storage = try RaftStorage.open(folder.location(), openFile: faults.open)
    try storage.append(entries(1...2), hardState: state())
    faults.forget()
    try storage.append([], hardState: state(commit: 1))
    try storage.append([], hardState: state(commit: 2))
    #expect(faults.operations.isEmpty)
    try storage.synchronize()
    #expect(faults.operations == ["write", "write", "synchronize"])
    // A vote does not wait.
    try storage.append([], hardState: state(2, vote: 3, commit: 2))
    #expect(faults.operations.count == 6)
    try storage.append([], hardState: state(2, vote: 3, commit: 2))
    #expect(faults.operations.count == 6)
    try storage.close()
    #expect(try RaftStorage.open(folder.location()).found.hardState == state(2, vote: 3, commit: 2))
  }

  @Test func closingWritesAPendingCommit() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...2), hardState: state())
    try storage.append([], hardState: state(commit: 2))
    try storage.close()
    try storage.close()
    #expect(throws: RaftLogError.closed) { try storage.append(entries(3...3)) }
    #expect(try RaftStorage.open(folder.location()).found.hardState == state(commit: 2))
  }

  @Test func aLogHasOneOwner() throws {
    let storage = try RaftStorage.open(folder.location())
    let path = "\(folder.walFolder)/0000000000000000-0000000000000000.wal"
    #expect(throws: RaftLogError.locked(file: path)) { try RaftStorage.open(folder.location()) }
    try storage.close()
    _ = try RaftStorage.open(folder.location())
  }

  @Test func whatDoesNotFollowIsRefused() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...5), hardState: state())
    for wrong in [[entry(7)], [entry(0)], [entry(6), entry(8)], [entry(6), entry(6)]] {
      #expect { try storage.append(wrong) } throws: { error in
        if case .unordered = error as? RaftLogError { true } else { false }
      }
    }
    try storage.append(entries(6...6))
    #expect(storage.lastIndex == 6)
  }

  @Test func largeEntriesAreWrittenFromWhereTheyAre() throws {
    let large = FrameWriter.sharedSize
    // Sizes around the bound, at the beginning, in the middle, at the end, alone.
    let groups: [[Int]] = [
      [large], [large - 1, large, large + 1], [10, large + 3], [large + 7, 10],
      [10, 3 * large, 20, 2 * large + 5, 30], [40],
    ]
    let single = try MemoryFolder()
    let storage = try RaftStorage.open(folder.location())
    let other = try RaftStorage.open(single.location())
    var all: [Entry] = []
    for sizes in groups {
      let next = LogIndex(all.count) + 1
      let group = sizes.enumerated().map { entry(next + LogIndex($0), size: $1) }
      let state = state(commit: next - 1)
      try storage.append(
        group.dropLast().map { RaftStorage.Write([$0]) } + [
          RaftStorage.Write([group[group.count - 1]], hardState: state)
        ])
      try other.append(group, hardState: state)
      all += group
      #expect(try storage.allEntries() == all)
    }
    try storage.close()
    try other.close()
    #expect(try files(folder.walFolder) == files(single.walFolder))
    for name in try files(folder.walFolder) {
      #expect(
        try content("\(folder.walFolder)/\(name)") == content("\(single.walFolder)/\(name)"))
    }
    let again = try RaftStorage.open(folder.location())
    #expect(again.found.repairs.isEmpty)
    #expect(try again.allEntries() == all)
  }

  @Test func readingIsBoundedByBytes() throws {
    for recentBytes in [0, 1 << 20] {
      let folder = try MemoryFolder()
      let storage = try RaftStorage.open(
        folder.location(), limits: .small(64_000_000, recentBytes: recentBytes))
      try storage.append(entries(1...10, size: 1000), hardState: state())
      #expect(try storage.entries(from: 2, to: 11, maximumBytes: 0).map(\.index) == [2])
      #expect(try storage.entries(from: 2, to: 11, maximumBytes: 3500).map(\.index) == [2, 3, 4])
      #expect(try storage.entries(from: 2, to: 4, maximumBytes: .max).map(\.index) == [2, 3])
      #expect(try storage.entries(from: 5, to: 5, maximumBytes: .max) == [])
      storage.compact(through: 4)
      #expect(storage.firstIndex == 5 && storage.term(of: 4) == 1 && storage.term(of: 3) == nil)
      #expect(throws: RaftLogError.unavailable(index: 4, first: 5, last: 10)) {
        try storage.entries(from: 4, to: 11, maximumBytes: .max)
      }
      #expect(throws: RaftLogError.unavailable(index: 11, first: 5, last: 10)) {
        try storage.entries(from: 5, to: 12, maximumBytes: .max)
      }
    }
  }

  @Test func aFullSegmentIsFollowedByTheNext() throws {
    let limits = RaftStorage.Limits.small(4096)
    let storage = try RaftStorage.open(folder.location(), limits: limits)
    for index in LogIndex(1)...30 {
      try storage.append([entry(index, size: 500)], hardState: state(commit: index - 1))
    }
    let names = try files(folder.walFolder).compactMap { SegmentName($0) }
    #expect(names.map(\.sequence) == [0, 1, 2, 3] && names.map(\.firstIndex) == [0, 9, 17, 25])
    // Each is called after the first entry in it, and all but the last end with their last record.
    for info in try StoredLog(folder.location()).walk().dropLast() {
      #expect(info.size == info.end && info.size >= 4096)
    }
    #expect(try storage.allEntries() == entries(1...30, size: 500))
    try storage.close()
    let again = try RaftStorage.open(folder.location(), limits: limits)
    #expect(try again.allEntries() == entries(1...30, size: 500))
    #expect(again.found.hardState == state(commit: 29))
  }

  @Test func filesOfOthersAreLeftAlone() throws {
    try FileManager.default.createDirectory(
      atPath: folder.walFolder, withIntermediateDirectories: true)
    let others = ["0000000000000001.wal", "notes.txt", "00-00.wal"]
    for other in others { try write([1, 2, 3], to: "\(folder.walFolder)/\(other)") }
    try write([0], to: "\(folder.walFolder)/0.tmp")
    #expect(try !RaftStorage.exists(folder.location()))
    let storage = try RaftStorage.open(folder.location())
    #expect(storage.found.isNew)
    try storage.append(entries(1...1), hardState: state())
    try storage.close()
    #expect(try !RaftStorage.open(folder.location()).found.isNew)
    #expect(
      try files(folder.walFolder).sorted()
        == (others + ["0000000000000000-0000000000000000.wal"]).sorted())
  }

  @Test func aRemovedLogIsGone() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...2), hardState: state())
    try storage.save(snapshot(2), hardState: state(commit: 2))
    try storage.close()
    try RaftStorage.remove(folder.location())
    try RaftStorage.remove(folder.location())
    #expect(try !RaftStorage.exists(folder.location()))
    #expect(try RaftStorage.open(folder.location()).found.isNew)
  }
}
