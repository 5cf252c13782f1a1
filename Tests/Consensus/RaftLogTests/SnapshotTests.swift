// Snapshots: what is kept of the log and of them, and which one a log goes on from.

import Foundation
import RaftCore
import RaftWire
import Testing

@testable import RaftLog

@Suite struct SnapshotTests {
  private let folder: MemoryFolder

  init() throws { folder = try MemoryFolder() }

  private func snapshotFile(_ index: LogIndex, term: Term = 1) -> String {
    "\(folder.snapFolder)/\(SnapshotName(SnapshotMark(index: index, term: term)))"
  }

  private func names(_ indices: [LogIndex]) -> [String] {
    indices.map { "\(SnapshotName(SnapshotMark(index: $0, term: 1)))" }
  }

  @Test(arguments: [false, true]) func theLogGoesOnFromASnapshotOfItsOwn(_ inOne: Bool) throws {
    let location = folder.location(inOne: inOne)
    let storage = try RaftStorage.open(location)
    try storage.append(entries(1...20), hardState: state())
    try storage.save(snapshot(12), hardState: state(commit: 10))
    // A few entries before it stay for members that are little behind.
    #expect(storage.firstIndex == 9 && storage.lastIndex == 20 && storage.term(of: 8) == 1)
    try storage.append(entries(21...22), hardState: state(commit: 15))
    try storage.close()
    let again = try RaftStorage.open(location)
    #expect(again.found.snapshot == snapshot(12) && again.found.repairs.isEmpty)
    #expect(again.found.hardState == state(commit: 15))
    #expect(again.firstIndex == 9)
    #expect(try again.allEntries() == entries(9...22))
  }

  @Test func theCommitIsThatOfTheSnapshotAtLeast() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state())
    try storage.save(snapshot(12), hardState: state(commit: 3))
    try storage.close()
    #expect(try RaftStorage.open(folder.location()).found.hardState == state(commit: 12))
  }

  @Test func aReceivedSnapshotReplacesTheLog() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state())
    try storage.save(snapshot(50, term: 3), hardState: state(3, vote: 0, commit: 50))
    #expect(storage.firstIndex == 51 && storage.lastIndex == 50 && storage.term(of: 50) == 3)
    try storage.append(entries(51...52, term: 3), hardState: state(3, vote: 0, commit: 50))
    try storage.close()
    let again = try RaftStorage.open(folder.location())
    #expect(again.found.snapshot == snapshot(50, term: 3))
    #expect(try again.allEntries() == entries(51...52, term: 3))
    #expect(again.term(of: 50) == 3)
  }

  @Test func entriesOfAnotherLeaderDoNotSurviveAReceivedSnapshot() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...60, term: 2), hardState: state(2))
    try storage.save(snapshot(50, term: 3), hardState: state(3, vote: 0, commit: 50))
    #expect(storage.lastIndex == 50)
    try storage.close()
    let again = try RaftStorage.open(folder.location())
    #expect(again.firstIndex == 51 && again.lastIndex == 50 && again.term(of: 50) == 3)
    #expect(again.found.hardState == state(3, vote: 0, commit: 50))
  }

  @Test func fourSnapshotsAndTheSegmentsBehindThemAreKept() throws {
    let limits = RaftStorage.Limits.small(4096)
    let storage = try RaftStorage.open(folder.location(), limits: limits)
    for index in LogIndex(1)...100 {
      try storage.append([entry(index, size: 500)], hardState: state(commit: index))
      if index % 10 == 0 { try storage.save(snapshot(index), hardState: state(commit: index)) }
    }
    #expect(try files(folder.snapFolder) == names([70, 80, 90, 100]))
    // One segment may begin at the oldest snapshot or before it.
    let segments = try files(folder.walFolder).compactMap { SegmentName($0) }
    #expect(segments.filter { $0.firstIndex < 70 }.count == 1)
    #expect(
      segments.map(\.sequence)
        == Array(segments[0].sequence...segments[segments.count - 1].sequence))
    try storage.close()
    for newest in [100, 90, 80, 70] as [LogIndex] {
      let again = try RaftStorage.open(folder.location(), limits: limits)
      #expect(again.found.snapshot?.index == newest)
      // Those of the segment before are not looked for.
      #expect(again.lastIndex == 100 && (newest - 3...newest + 1).contains(again.firstIndex))
      #expect(
        try newest == 100
          ? again.allEntries().allSatisfy { $0 == entry($0.index, size: 500) }
          : again.allEntries() == entries(again.firstIndex...100, size: 500))
      try again.close()
      // The next attempt finds it damaged.
      var bytes = try content(snapshotFile(newest))
      bytes[bytes.count / 2] ^= 1
      try write(bytes, to: snapshotFile(newest))
    }
    #expect {
      try RaftStorage.open(folder.location(), limits: limits)
    } throws: { error in
      if case .incomplete = error as? RaftLogError { true } else { false }
    }
    // What is refused is left as it is.
    #expect(
      try files(folder.snapFolder) == names([70]) + names([80, 90, 100]).map { $0 + ".broken" })
  }

  @Test func aSnapshotThatWasBeingMadeIsPutAside() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state(commit: 20))
    try storage.save(snapshot(5), hardState: state(commit: 20))
    try storage.close()
    try SnapshotFolder(path: folder.snapFolder).write(snapshot(40))
    let again = try RaftStorage.open(folder.location())
    #expect(again.found.repairs == [.unnamedSnapshot(file: snapshotFile(40))])
    #expect(again.found.snapshot == snapshot(5) && again.lastIndex == 20)
    #expect(try files(folder.snapFolder) == names([5]) + names([40]).map { $0 + ".broken" })
  }

  @Test func severalSnapshotsThatTheLogDoesNotKnowMeanThatItsEndIsLost() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state(commit: 20))
    try storage.close()
    try SnapshotFolder(path: folder.snapFolder).write(snapshot(30))
    try SnapshotFolder(path: folder.snapFolder).write(snapshot(40))
    #expect {
      try RaftStorage.open(folder.location())
    } throws: { error in
      if case .incomplete = error as? RaftLogError { true } else { false }
    }
  }

  @Test func snapshotsWithoutTheirLogAreRefused() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state(commit: 20))
    try storage.save(snapshot(5), hardState: state(commit: 20))
    try storage.close()
    try FileManager.default.removeItem(atPath: folder.walFolder)
    #expect(
      throws: RaftLogError.logGone(folder: folder.walFolder, snapshots: folder.snapFolder)
    ) { try RaftStorage.open(folder.location()) }
  }

  @Test func anOlderSnapshotIsNotWritten() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state(commit: 20))
    try storage.save(snapshot(10), hardState: state(commit: 20))
    for index in [10, 9] as [LogIndex] {
      #expect {
        try storage.save(snapshot(index), hardState: state(commit: 20))
      } throws: { error in
        if case .unordered = error as? RaftLogError { true } else { false }
      }
    }
  }

  @Test(arguments: [
    [], [8, 1], [0xFF], [8, 0, 18, 0], [8, 1, 18, 2, 1, 1],
  ]) func whatIsNoSnapshotIsPutAside(_ bytes: [UInt8]) throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state(commit: 20))
    try storage.save(snapshot(10), hardState: state(commit: 20))
    try storage.close()
    try write(bytes, to: snapshotFile(15))
    let again = try RaftStorage.open(folder.location())
    #expect(again.found.snapshot == snapshot(10))
    #expect(again.found.repairs.count == 1 && again.found.repairs[0].isHarmless)
    #expect(FileManager.default.fileExists(atPath: snapshotFile(15) + ".broken"))
  }

  /// Go writes the hard state before the snapshot's record and the record before the file (#3584 there).
  @Test func aCommitBeyondTheEndIsThatOfASnapshotThatDidNotArrive() throws {
    let storage = try RaftStorage.open(folder.location())
    try storage.append(entries(1...20), hardState: state(commit: 50))
    try storage.close()
    let again = try RaftStorage.open(folder.location())
    #expect(again.found.hardState == state(commit: 20))
    #expect(again.found.repairs == [.commitBeyondEnd(50, last: 20)])
    try again.close()
    #expect(try RaftStorage.open(folder.location()).found.repairs.isEmpty)
  }

  /// Go also writes entries that came behind the snapshot before the snapshot's record.
  @Test func entriesThatCameWithASnapshotAreKept() throws {
    for stale in [false, true] {
      let folder = try MemoryFolder()
      let storage = try RaftStorage.open(folder.location())
      try storage.append(entries(1...(stale ? 60 : 20), term: 2), hardState: state(2))
      try storage.close()
      // Append the rest as Go does, below the checks of ours.
      let path = "\(folder.walFolder)/0000000000000000-0000000000000000.wal"
      var frames = FrameWriter(crc: try lastChecksum(folder))
      for entry in entries(51...53, term: 3) { frames.append(entry) }
      frames.append(state(3, vote: 0, commit: 50))
      frames.append(
        SnapshotRecord(
          mark: SnapshotMark(index: 50, term: 3), members: snapshot(50, term: 3).members))
      try write(try content(path) + Array(frames.pieces.joined()), to: path)
      try SnapshotFolder(path: folder.snapFolder).write(snapshot(50, term: 3))
      let again = try RaftStorage.open(folder.location())
      #expect(again.found.snapshot?.index == 50 && again.term(of: 50) == 3)
      #expect(try again.allEntries() == entries(51...53, term: 3))
    }
  }

  private func lastChecksum(_ folder: MemoryFolder) throws -> UInt32 {
    var crc: UInt32 = 0
    let infos = try StoredLog(folder.location()).walk { crc = $1.record.crc }
    // Closed by ours, the file may have zeros at its end.
    let info = try #require(infos.last)
    try write(Array(try content(info.path).prefix(Int(info.end))), to: info.path)
    return crc
  }
}
