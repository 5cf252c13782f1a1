// Adding blocks, and what is refused.

import FabricProtos
import Foundation
import Storage
import TestSupport
import Testing

@testable import BlockLedger

@Suite(.heavy) struct AppendTests {
  @Test("A new channel begins at height 0 and keeps what is added")
  func addsAndKeeps() async throws {
    let folder = try TemporaryFolder()
    let written = try await withLedgers(folder.path) { factory in
      #expect(try factory.channelIDs() == [])
      let store = try await factory.openOrCreate("one")
      #expect(store.height == 0)
      #expect(store.lastBlockHash == [])
      var blocks: [Block] = []
      for size in [0, 1, 127, 128, 20_000, 200_000] {
        let block = nextBlock(of: store, entries: 3, bytes: size)
        try await store.append(block)
        blocks.append(block)
        #expect(try store.block(block.header.number) == block)
        let wire = try await store.serializedBlock(block.header.number)
        #expect(Array(wire.readableBytesView) == block.serialized())
      }
      #expect(try factory.channelIDs() == ["one"])
      #expect(try await factory.openOrCreate("one") === store)
      return blocks
    }
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(store.height == UInt64(written.count))
      for block in written {
        #expect(try store.block(block.header.number) == block)
        let wire = try await store.serializedBlock(block.header.number)
        #expect(Array(wire.readableBytesView) == block.serialized())
      }
      try expectValidChain(store)
    }
  }

  @Test("A block without entries, hashes or metadata survives in its wire form")
  func emptyBlock() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      let block = Block(
        header: makeBlock(0, after: [], entries: 0).header, data: [], metadata: [])
      try await store.append(block)
      let wire = try await store.serializedBlock(0)
      #expect(Array(wire.readableBytesView) == block.serialized())
      #expect(try store.block(0) == block)
    }
  }

  @Test("A block that does not follow is refused and changes nothing")
  func refusals() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      try await appendBlocks(2, to: store)
      let good = nextBlock(of: store)
      var block = good
      block.header.number = 3
      await #expect(
        throws: LedgerError.unexpectedNumber(channel: "one", expected: 2, actual: 3)
      ) { try await store.append(block) }
      block = good
      block.header.previousHash = [1]
      await #expect(
        throws: LedgerError.unexpectedPreviousHash(
          channel: "one", number: 2, expected: store.lastBlockHash, actual: [1])
      ) { try await store.append(block) }
      block = good
      block.data[0][0] ^= 1
      await #expect(throws: LedgerError.unexpectedDataHash(channel: "one", number: 2)) {
        try await store.append(block)
      }
      #expect(store.height == 2)
      #expect(throws: LedgerError.notFound(channel: "one", number: 2, height: 2)) {
        _ = try store.block(2)
      }
      try await store.append(good)
      #expect(store.height == 3)
    }
  }

  @Test("A full file is followed by the next, and all blocks stay readable")
  func rolls() async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.maximumFileSize = 2000
    options.recentBytesPerChannel = 0
    let wires = try await withLedgers(folder.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      for index in 0..<40 {
        // One block is larger than a whole file may be.
        try await appendBlocks(1, to: store, bytes: index == 20 ? 3000 : 200)
      }
      return try await wireForms(store)
    }
    #expect(try fileSize("\(folder.path)/chains/one/blockfile_000000") <= 2000)
    #expect(FileManager.default.fileExists(atPath: "\(folder.path)/chains/one/blockfile_000009"))
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(try await wireForms(store) == wires)
      try await appendBlocks(5, to: store)
    }
    #expect(log.messages() == [])
    try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    try await withLedgers(folder.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(store.height == 45)
      #expect(Array(try await wireForms(store).prefix(40)) == wires)
      try expectValidChain(store)
    }
  }

  @Test("A store halts when something else writes to its file, and writes over nothing")
  func foreignWriter() async throws {
    let folder = try TemporaryFolder()
    let file = "\(folder.path)/chains/one/blockfile_000000"
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      let store = try await factory.openOrCreate("one")
      try await appendBlocks(2, to: store)
      try appendToFile(file, [1, 2, 3])
      let before = FileManager.default.contents(atPath: file)
      for _ in 0..<2 {
        do {
          try await store.append(nextBlock(of: store))
          Issue.record("the block was added")
        } catch LedgerError.halted(let channel, let reason) {
          #expect(channel == "one")
          #expect(reason.contains("something else writes to this folder"))
        }
      }
      #expect(store.height == 2)
      #expect(FileManager.default.contents(atPath: file) == before)
      // Readers are served, and other channels go on.
      _ = try await store.serializedBlock(1)
      try await appendBlocks(1, to: try await factory.openOrCreate("two"))
    }
    #expect(log.messages(from: .critical).count == 1)
  }

  @Test("A record that is not that of its header is not written")
  func wrongLayout() throws {
    let block = makeBlock(300, after: Array(repeating: 7, count: 32))
    let record = BlockRecord(layingOut: block.header, data: block.data, metadata: block.metadata)
    #expect(record.isLaidOut(for: block.header))
    for change in 0..<3 {
      var other = block.header
      switch change {
      case 0: other.number += 1
      case 1: other.dataHash[0] ^= 1
      default: other.previousHash = []
      }
      #expect(!record.isLaidOut(for: other))
    }
  }

  /// Needs a folder on a file system of a few MiB, which a test cannot make for itself.
  @Test(
    "On a full disk nothing is added, and all goes on when there is room again",
    .enabled(if: ProcessInfo.processInfo.environment["HEDDLE_SMALL_DISK"] != nil))
  func fullDisk() async throws {
    let disk = try #require(ProcessInfo.processInfo.environment["HEDDLE_SMALL_DISK"])
    let folder = "\(disk)/ledger"
    let ballast = "\(disk)/ballast"
    try? FileManager.default.removeItem(atPath: folder)
    try await withLedgers(folder) { factory in
      let store = try await factory.openOrCreate("one")
      try await appendBlocks(3, to: store)
      _ = FileManager.default.createFile(
        atPath: ballast, contents: Data(repeating: 1, count: 512 << 10))
      var failure: LedgerError?
      var before = store.height
      while failure == nil, store.height < 10_000 {
        before = store.height
        do {
          try await store.append(nextBlock(of: store, bytes: 100_000))
        } catch let error as LedgerError {
          failure = error
        }
      }
      guard case .storage(.noSpace) = failure else {
        Issue.record("expected no space, got \(String(describing: failure))")
        return
      }
      #expect(store.height == before)
      try FileManager.default.removeItem(atPath: ballast)
      try await store.append(nextBlock(of: store, bytes: 100_000))
      #expect(store.height == before + 1)
      try expectValidChain(store)
    }
    try await withLedgers(folder) { factory in
      try expectValidChain(try await factory.openOrCreate("one"))
    }
    try FileManager.default.removeItem(atPath: folder)
  }
}
