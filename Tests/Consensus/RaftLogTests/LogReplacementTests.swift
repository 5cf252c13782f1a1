// Another log in the place of a channel's: at once, whenever the process is killed, and never under a running node.

import Foundation
import RaftCore
import RaftWire
import Testing

@testable import RaftLog

@Suite struct LogReplacementTests {
  private static let old = MembershipState(voters: [1, 2, 3])
  private static let new = MembershipState(voters: [2], learners: [1, 3])

  /// A log of 12 entries with a snapshot at 8.
  private func fill(_ location: RaftStorage.Location) throws {
    let storage = try RaftStorage.open(location, limits: .small(400))
    for index in 1...LogIndex(8) {
      try storage.append(entries(index...index), hardState: state(2, vote: 3, commit: index))
    }
    try storage.save(snapshot(8), hardState: state(2, vote: 3, commit: 8))
    try storage.append(entries(9...12), hardState: state(2, vote: 3, commit: 10))
    try storage.close()
  }

  private func replace(_ replacement: LogReplacement) throws -> [String] {
    var begin = snapshot(10)
    begin.members = Self.new
    return try replacement.replace(
      by: begin, entries(11...12), HardState(term: 3, vote: 0, commit: 10))
  }

  @Test(arguments: [false, true], [nil] + LogReplacement.Step.allCases)
  func whoeverIsKilledLeavesTheOldLogOrTheNewOne(
    inOne: Bool, last: LogReplacement.Step?
  ) throws {
    let folder = try MemoryFolder()
    let location = folder.location(inOne: inOne)
    try fill(location)
    let isDone = try carriesOut(location, until: last)
    #expect(isDone == (last == nil))
    let isNew = last == nil || last == .switched || last == .cleared
    try check(location, isNew: isNew)
    // Another try gets through.
    if !isNew { #expect(try carriesOut(location, until: nil)) }
    try check(location, isNew: true)
  }

  /// Whether it gets through; the locks are gone afterwards.
  private func carriesOut(
    _ location: RaftStorage.Location, until last: LogReplacement.Step?
  ) throws -> Bool {
    let replacement = try LogReplacement(location) { step throws(RaftLogError) in
      if step == last { throw .halted(reason: "killed") }
    }
    return (try? replace(replacement)) != nil
  }

  private func check(_ location: RaftStorage.Location, isNew: Bool) throws {
    let storage = try RaftStorage.open(location)
    defer { try? storage.close() }
    #expect(storage.found.snapshot?.index == (isNew ? 10 : 8))
    #expect(storage.found.snapshot?.members == (isNew ? Self.new : Self.old))
    #expect(storage.lastIndex == 12)
    #expect(
      storage.found.hardState
        == (isNew ? HardState(term: 3, vote: 0, commit: 10) : state(2, vote: 3, commit: 10)))
    let first = LogIndex(isNew ? 11 : 9)
    #expect(
      try storage.entries(from: first, to: 13, maximumBytes: .max) == entries(first...12))
  }

  @Test func whatWasThereIsKeptAside() throws {
    let folder = try MemoryFolder()
    let location = folder.location()
    try fill(location)
    let (logs, snapshots) = (try files(folder.walFolder), try files(folder.snapFolder))
    let kept = try replace(LogReplacement(location))
    #expect(kept == [folder.snapFolder + "~1", folder.walFolder + "~1"])
    #expect(try files(kept[1]) == logs)
    #expect(try files(kept[0]) == snapshots)
    #expect(try files(folder.walFolder).count == 1)
    // It is a whole log.
    let old = RaftStorage.Location(
      channelID: "channel", logFolder: kept[1], snapshotFolder: kept[0])
    #expect(try StoredLog(old).verdict()?.lastIndex == 12)
    #expect(
      try replace(LogReplacement(location)) == ["\(folder.snapFolder)~2", "\(folder.walFolder)~2"])
  }

  @Test func aRunningNodeIsNotDisturbed() throws {
    let folder = try MemoryFolder()
    let location = folder.location()
    try fill(location)
    let storage = try RaftStorage.open(location)
    #expect(throws: RaftLogError.self) { try LogReplacement(location) }
    try storage.close()
    let replacement = try LogReplacement(location)
    #expect(throws: RaftLogError.self) { try RaftStorage.open(location) }
    withExtendedLifetime(replacement) {}
  }

  @Test func aLogIsMadeWhereThereIsNone() throws {
    let folder = try MemoryFolder()
    let location = folder.location()
    #expect(try replace(LogReplacement(location)).isEmpty)
    try check(location, isNew: true)
  }

  @Test func whatIsNoLogIsRefused() throws {
    let folder = try MemoryFolder()
    let location = folder.location()
    try fill(location)
    let replacement = try LogReplacement(location)
    for (begin, rest) in [
      (snapshot(0), entries(1...2)), (snapshot(10), entries(12...13)),
      (snapshot(10, term: 3), entries(11...12)),
    ] {
      #expect(throws: RaftLogError.self) {
        try replacement.replace(by: begin, rest, state(4))
      }
    }
    #expect(throws: Never.self) { try StoredLog(location).verdict() }
    #expect(try files(folder.path).filter { $0.contains("~") }.isEmpty)
  }
}
