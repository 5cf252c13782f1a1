// A write that fails has no effect or is the last one; a process that is killed leaves a log that every
// orderer reads.

import Foundation
import RaftCore
import RaftWire
import Storage
import Testing

@testable import RaftLog

@Suite struct FaultTests {
  private let limits = RaftStorage.Limits.small(4096)

  /// Appends, cuts segments, replaces entries, makes snapshots and receives one. After each step that
  /// succeeded, what has to be there is noted.
  private func scenario(
    _ storage: RaftStorage, _ done: (_ log: [Entry], _ state: HardState) -> Void
  ) throws {
    var log: [Entry] = []
    func append(_ new: [Entry], _ state: HardState) throws {
      try storage.append(new, hardState: state)
      if let first = new.first { log.removeAll { $0.index >= first.index } }
      log += new
      done(log, state)
    }
    for index in LogIndex(1)...12 {
      try append([entry(index, size: 500)], state(commit: index - 1))
    }
    try append(entries(12...14, term: 2, size: 300), state(2, commit: 11))
    try storage.save(snapshot(10), hardState: state(2, commit: 12))
    done(log, state(2, commit: 12))
    for index in LogIndex(15)...20 {
      try append([entry(index, term: 2, size: 700)], state(2, commit: index - 1))
    }
    try storage.save(snapshot(40, term: 3), hardState: state(3, vote: 0, commit: 40))
    log = []
    done(log, state(3, vote: 0, commit: 40))
    try append(entries(41...44, term: 3, size: 900), state(3, vote: 0, commit: 40))
  }

  /// What the scenario does to files.
  private func operations() throws -> [String] {
    let folder = try MemoryFolder()
    let faults = FaultPlan()
    let storage = try RaftStorage.open(folder.location(), limits: limits, openFile: faults.open)
    faults.set(nil)
    try scenario(storage) { _, _ in }
    return faults.operations
  }

  @Test func aKilledProcessLeavesALogThatNobodyRefuses() throws {
    for number in try operations().indices {
      let folder = try MemoryFolder()
      let faults = FaultPlan()
      var storage: RaftStorage? = try RaftStorage.open(
        folder.location(), limits: limits, openFile: faults.open)
      faults.set(.killed(at: number))
      var done: (log: [Entry], state: HardState) = ([], HardState())
      try? storage.map { try scenario($0) { done = ($0, $1) } }
      storage = nil
      let verdict = try #require(try StoredLog(folder.location()).verdict())
      for repair in verdict.repairs {
        if case .unnamedSnapshot = repair { continue }
        #expect(repair.isHarmless, "killed at \(number): \(repair)")
      }
      let again = try RaftStorage.open(folder.location(), limits: limits)
      #expect(again.found.hardState.term >= done.state.term)
      #expect(again.found.hardState.commit >= done.state.commit)
      let there = try again.allEntries()
      if let last = done.log.last, again.found.snapshot?.index ?? 0 < 40 {
        let acknowledged = done.log.filter { $0.index >= again.firstIndex }
        // All that was acknowledged, unless what was being written replaces it.
        let isReplaced = there.last?.term != last.term
        #expect(
          isReplaced || there.starts(with: acknowledged), "killed at \(number)")
      }
    }
  }

  @Test func afterAFullDiskTheSameWriteSucceeds() throws {
    // A sync that fails is another matter.
    for (number, operation) in try operations().enumerated() where operation != "synchronize" {
      let folder = try MemoryFolder()
      let faults = FaultPlan()
      let storage = try RaftStorage.open(folder.location(), limits: limits, openFile: faults.open)
      faults.set(.fails(at: number, .noSpace(path: "a file", operation: "write to")))
      var failures = 0
      var log: [Entry] = []
      // Each step is tried until it succeeds.
      try retrying(storage, &failures) { log = $0 }
      #expect(failures <= 1)
      try storage.close()
      let again = try RaftStorage.open(folder.location(), limits: limits)
      #expect(again.found.repairs.isEmpty, "failed at \(number)")
      #expect(try again.allEntries() == log, "failed at \(number)")
      #expect(again.found.hardState == state(3, vote: 0, commit: 40))
    }
  }

  private func retrying(
    _ storage: RaftStorage, _ failures: inout Int, _ done: ([Entry]) -> Void
  ) throws {
    func persist(_ body: () throws(RaftLogError) -> Void) throws {
      while true {
        do throws(RaftLogError) { return try body() } catch {
          guard error.mayPass else { throw error }
          failures += 1
        }
      }
    }
    for index in LogIndex(1)...12 {
      try persist { () throws(RaftLogError) in
        try storage.append([entry(index, size: 500)], hardState: state(commit: index - 1))
      }
    }
    try persist { () throws(RaftLogError) in
      try storage.append(entries(12...14, term: 2, size: 300), hardState: state(2, commit: 11))
    }
    try persist { () throws(RaftLogError) in
      try storage.save(snapshot(10), hardState: state(2, commit: 12))
    }
    try persist { () throws(RaftLogError) in
      try storage.save(snapshot(40, term: 3), hardState: state(3, vote: 0, commit: 40))
    }
    let last = entries(41...44, term: 3, size: 900)
    try persist { () throws(RaftLogError) in
      try storage.append(last, hardState: state(3, vote: 0, commit: 40))
    }
    done(last)
  }

  @Test func afterAFailedSyncNothingMoreIsWritten() throws {
    let folder = try MemoryFolder()
    let faults = FaultPlan()
    let storage = try RaftStorage.open(folder.location(), limits: limits, openFile: faults.open)
    try storage.append(entries(1...2), hardState: state())
    // It has grown, so there are two writes and the sync.
    faults.set(.fails(at: 2, .unsynchronized(path: "a file", code: EIO)))
    #expect { try storage.append(entries(3...3)) } throws: { error in
      if case .halted = error as? RaftLogError { true } else { false }
    }
    faults.set(nil)
    #expect { try storage.append(entries(3...3)) } throws: { error in
      if case .halted = error as? RaftLogError { true } else { false }
    }
    #expect { try storage.save(snapshot(1), hardState: state()) } throws: { error in
      if case .halted = error as? RaftLogError { true } else { false }
    }
    #expect(faults.operations.isEmpty)
    #expect(storage.lastIndex == 2)
    try storage.close()
    // What is on the disk is found by opening it again.
    let again = try RaftStorage.open(folder.location(), limits: limits)
    #expect(again.lastIndex == 3)
    try again.append(entries(4...4))
  }
}
