// Reads go on while something is written, cut off, snapshotted and purged.

import Foundation
import RaftCore
import RaftWire
import Synchronization
import TestSupport
import Testing

@testable import RaftLog

@Suite struct SharingTests {
  private final class Flag: Sendable {
    let isRaised = Atomic(false)
  }

  @Test func readersSeeEntriesThatWereWrittenAndNothingElse() async throws {
    let folder = try MemoryFolder()
    let storage = try RaftStorage.open(
      folder.location(), limits: .small(8000, recentBytes: 1500))
    try storage.append(entries(1...5), hardState: state())
    let done = Flag()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for reader in UInt64(1)...3 {
        group.addTask {
          var random = SplitMix64(seed: reader)
          while !done.isRaised.load(ordering: .relaxed) {
            try Self.readSome(storage, &random)
            await Task.yield()
          }
        }
      }
      group.addTask {
        defer { done.isRaised.store(true, ordering: .relaxed) }
        for round in LogIndex(1)...150 {
          let next = storage.lastIndex + 1
          // Every third round another leader replaces the newest entry.
          let first = round % 3 == 0 ? next - 1 : next
          let term = 1 + round / 3
          try storage.append(
            entries(first...first + 3, term: term, size: 300),
            hardState: state(term, commit: first - 1))
          if round % 20 == 0 {
            let at = first - 1
            try storage.save(
              snapshot(at, term: storage.term(of: at) ?? 0), hardState: state(term, commit: at))
          }
          await Task.yield()
        }
      }
      try await group.waitForAll()
    }
    try storage.close()
    #expect(try RaftStorage.open(folder.location()).found.repairs.isEmpty)
  }

  private static func readSome(_ storage: RaftStorage, _ random: inout SplitMix64) throws {
    let (first, last) = (storage.firstIndex, storage.lastIndex)
    guard first < last else { return }
    let begin = LogIndex.random(in: first...last, using: &random)
    do throws(RaftLogError) {
      let read = try storage.entries(from: begin, to: last + 1, maximumBytes: 2000)
      for (offset, found) in read.enumerated() {
        #expect(found == entry(begin + LogIndex(offset), term: found.term, size: found.data.count))
      }
      #expect(!read.isEmpty)
    } catch {
      // Compacted or replaced by fewer meanwhile.
      guard case .unavailable = error else { throw error }
    }
  }
}
