// Readers beside the writer, and the end of a ledger.

import FabricProtos
import Foundation
import TestSupport
import Testing

@testable import BlockLedger

@Suite(.heavy) struct ReaderTests {
  @Test("Readers at the tip get every block, in order, with the same bytes")
  func followers() async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.maximumFileSize = 20_000
    options.recentBytesPerChannel = 2000
    options.recentBytes = 2000
    try await withLedgers(folder.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      let count: UInt64 = 200
      let read = try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
        for reader in 0..<20 {
          group.addTask {
            var wires: [[UInt8]] = []
            for number in 0..<count {
              try await waitForBlock(number, of: store)
              if reader % 4 == 0, number % 16 == 0 { try await Task.sleep(for: .milliseconds(3)) }
              wires.append(Array(try await store.serializedBlock(number).readableBytesView))
            }
            return wires
          }
        }
        group.addTask {
          try await appendBlocks(Int(count), to: store)
          return []
        }
        return try await group.reduce(into: [[[UInt8]]]()) { all, wires in
          if !wires.isEmpty { all.append(wires) }
        }
      }
      #expect(read.count == 20)
      let stored = try await wireForms(store)
      #expect(read.allSatisfy { $0 == stored })
    }
  }

  @Test("A closed ledger gives and takes nothing")
  func closing() async throws {
    let folder = try TemporaryFolder()
    let factory = try FileLedgerFactory(
      directory: folder.path, signatures: NoSignatures(), logger: silent)
    let store = try await factory.openOrCreate("one")
    try await appendBlocks(1, to: store)
    await factory.close()
    await #expect(throws: LedgerError.closed(channel: "one")) {
      _ = try await store.serializedBlock(0)
    }
    await #expect(throws: LedgerError.closed(channel: "one")) {
      try await store.append(nextBlock(of: store))
    }
    await #expect(throws: LedgerError.closed(channel: "two")) {
      _ = try await factory.openOrCreate("two")
    }
    await factory.close()
  }

  @Test("Opening a channel many times at once opens it once")
  func concurrentOpening() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let identities = try await withThrowingTaskGroup(of: ObjectIdentifier.self) { group in
        for _ in 0..<30 {
          group.addTask { ObjectIdentifier(try await factory.openOrCreate("one")) }
        }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(identities.count == 1)
    }
  }
}
