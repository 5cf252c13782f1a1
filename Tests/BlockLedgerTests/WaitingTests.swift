// Readers that wait for blocks beside the writer.

import FabricProtos
import Foundation
import Synchronization
import Testing

@testable import BlockLedger

@Suite struct WaitingTests {
  private final class Woken: Sendable {
    let numbers = Mutex<[UInt64]>([])
  }

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
              try await store.waitForBlock(number)
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

  @Test("Waiting for a block that is there returns at once")
  func present() async throws {
    let signal = HeightSignal(channelID: "one", height: 3)
    try await signal.wait(for: 2)
    #expect(signal.waiterCount == 0)
  }

  @Test("One step of the height wakes all that waited for it, and only those")
  func wakesAll() async throws {
    let signal = HeightSignal(channelID: "one")
    let woken = Woken()
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<1000 {
        let number = UInt64(index % 2) * 5
        group.addTask {
          try? await signal.wait(for: number)
          woken.numbers.withLock { $0.append(number) }
        }
      }
      while signal.waiterCount < 1000 { await Task.yield() }
      signal.advance(to: 5)
      while woken.numbers.withLock({ $0.count }) < 500 { await Task.yield() }
      #expect(woken.numbers.withLock { $0.allSatisfy { $0 == 0 } })
      #expect(signal.waiterCount == 500)
      signal.advance(to: 6)
    }
    #expect(woken.numbers.withLock { $0.count } == 1000)
  }

  @Test("A cancelled reader stops waiting")
  func cancellation() async throws {
    let signal = HeightSignal(channelID: "one")
    for delay in 0..<50 {
      let task = Task { try await signal.wait(for: 0) as Void }
      for _ in 0..<delay { await Task.yield() }
      task.cancel()
      await #expect(throws: LedgerError.cancelled) { try await task.value }
    }
    #expect(signal.waiterCount == 0)
  }

  @Test("Closing the ledger ends the waiting")
  func closing() async throws {
    let folder = try TemporaryFolder()
    let factory = try FileLedgerFactory(directory: folder.path, logger: silent)
    let store = try await factory.openOrCreate("one")
    try await appendBlocks(1, to: store)
    let task = Task { try await store.waitForBlock(7) }
    try await Task.sleep(for: .milliseconds(20))
    await factory.close()
    await #expect(throws: LedgerError.closed(channel: "one")) { try await task.value }
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
