// What follows unreadable bytes decides whether they are cut off: never if whole blocks follow.

import FabricCrypto
import FabricProtos
import Foundation
import Storage
import TestSupport
import Testing

@testable import BlockLedger

@Suite(.heavy) struct LaterBlockTests {
  /// A ledger of one channel without an index; where each block begins in its only file, and its end.
  private func makeLedger(
    _ folder: String, blocks: Int, bytes: Int
  ) async throws -> (file: String, places: [Int]) {
    let file = "\(folder)/chains/one/blockfile_000000"
    var places = [0]
    try await withLedgers(folder) { factory in
      let store = try await factory.openOrCreate("one")
      for _ in 0..<blocks {
        try await appendBlocks(1, to: store, bytes: bytes)
        places.append(try fileSize(file))
      }
    }
    try FileManager.default.removeItem(atPath: "\(folder)/index")
    return (file, places)
  }

  private func expectRefused(_ folder: String, _ comment: Comment) async throws {
    try await withLedgers(folder) { factory in
      do {
        let store = try await factory.openOrCreate("one")
        Issue.record("it was opened with height \(store.height): \(comment)")
      } catch LedgerError.corrupt {}
    }
  }

  @Test(
    "A page that was lost between blocks is damage, wherever it begins, and nothing is cut off",
    arguments: [0, 0xFF, nil] as [UInt8?], [40, 700])
  func lostPage(filling: UInt8?, bytes: Int) async throws {
    let folder = try TemporaryFolder()
    let (file, places) = try await makeLedger(folder.path, blocks: 40, bytes: bytes)
    let good = try #require(FileManager.default.contents(atPath: file))
    let begins =
      Array(places[0..<3]) + Array(places[9]..<(places[9] + 4)) + [places[9] - 1, places[9] + 200]
      + [places[10] / 512 * 512]
    for begin in begins {
      var damaged = good
      for index in begin..<min(begin + 4096, places[38]) {
        damaged[index] = filling ?? UInt8.random(in: 0...255)
      }
      try damaged.write(to: URL(fileURLWithPath: file))
      try await expectRefused(folder.path, "from \(begin) on")
      #expect(FileManager.default.contents(atPath: file) == damaged)
      try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    }
  }

  @Test("A block within a transaction does not keep a torn write from being cut off")
  func blockInTransaction() async throws {
    let folder = try TemporaryFolder()
    let (file, places) = try await makeLedger(folder.path, blocks: 3, bytes: 100)
    let previous = try await withLedgers(folder.path) { factory in
      try await factory.openOrCreate("one").lastBlockHash
    }
    let inner = makeBlock(4, after: [UInt8](repeating: 7, count: 32)).fileRecord().bytes
    let data = [[UInt8](repeating: 1, count: 1500), inner, [UInt8](repeating: 1, count: 3000)]
    let block = Block(
      header: BlockHeader(
        number: 3, previousHash: previous, dataHash: SHA256Digest.hash(data.flatMap(\.self))),
      data: data, metadata: [])
    let record = block.fileRecord().bytes
    var hole = record
    let begin = (places[3] + 3500) / 512 * 512 - places[3]
    for index in begin..<(begin + 512) { hole[index] = 0 }
    for torn in [Array(record.dropLast(1000)), hole] {
      try appendToFile(file, torn)
      try await withLedgers(folder.path) { factory in
        let height = try await factory.openOrCreate("one").height
        #expect(height == 3)
      }
      #expect(try fileSize(file) == places[3])
    }
  }

  @Test("A file that is no block file is left alone, without an index as well")
  func foreignFile() async throws {
    let folder = try TemporaryFolder()
    let (file, _) = try await makeLedger(folder.path, blocks: 3, bytes: 100)
    let foreign = Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7 | 1) })
    try foreign.write(to: URL(fileURLWithPath: file))
    try await expectRefused(folder.path, "foreign")
    #expect(FileManager.default.contents(atPath: file) == foreign)
  }

  @Test("Blocks that the index knows and of which none is left are missed", arguments: [0, 3, 200])
  func nothingLeft(size: Int) async throws {
    let folder = try TemporaryFolder()
    let (file, _) = try await makeLedger(folder.path, blocks: 3, bytes: 100)
    try await withLedgers(folder.path) { factory in
      let height = try await factory.openOrCreate("one").height
      #expect(height == 3)
    }
    try truncateFile(file, to: size)
    for _ in 0..<2 {
      try await expectRefused(folder.path, "cut to \(size)")
      #expect(try fileSize(file) == size)
    }
  }

  @Test("The search finds the first whole block at any place, and only whole ones")
  func search() throws {
    let block = makeBlock(300, after: [UInt8](repeating: 0x20, count: 32))
    let record = block.fileRecord().bytes
    for before in [0, 1, 2, 33, 70, 5000] {
      for filling in [0, 0x20, 0xA0] as [UInt8] {
        let bytes = [UInt8](repeating: filling, count: before) + record + [1, 2, 3]
        let found = LaterBlock.first(in: bytes, from: 0, lowest: 300)
        #expect(found == LaterBlock(number: 300, place: before), "\(before) times \(filling)")
        #expect(LaterBlock.first(in: bytes, from: before, lowest: 300)?.place == before)
        #expect(LaterBlock.first(in: bytes, from: before + 1, lowest: 300) == nil)
        #expect(LaterBlock.first(in: bytes, from: 0, lowest: 301) == nil)
        #expect(LaterBlock.first(in: bytes.dropLast(4), from: 0, lowest: 0) == nil)
        var damaged = bytes
        damaged[before + 150] ^= 1
        #expect(LaterBlock.first(in: damaged, from: 0, lowest: 0) == nil)
      }
    }
    for size in 0..<record.count {
      #expect(LaterBlock.first(in: Array(record.prefix(size)), from: 0, lowest: 0) == nil)
    }
  }

  @Test("What is made to look like many blocks is not parsed without end")
  func effort() {
    // Each beginning says that its block takes up the rest, of which all are empty entries.
    var bytes: [UInt8] = []
    let count = 4000
    for index in 0..<count {
      let rest = UInt64((count - index) * 80)
      Varint.append(rest + (1 << 14), to: &bytes)
      bytes += [9, 32] + [UInt8](repeating: 0, count: 32) + [32] + [UInt8](repeating: 0, count: 32)
      Varint.append(rest, to: &bytes)
    }
    bytes += [UInt8](repeating: 0, count: 1 << 20)
    let found = LaterBlock.first(in: bytes, from: 0, lowest: 1)
    #expect(found != nil)
    #expect(found?.number == nil)
  }

  @Test("A record with more entries than any block has is refused before they are looked at")
  func manyEntries() throws {
    let count = BlockRecord.maximumEntries + 1
    var bytes: [UInt8] = [0, 0, 0]
    Varint.append(UInt64(count), to: &bytes)
    bytes += [UInt8](repeating: 0, count: count + 1)
    #expect(throws: BlockRecord.Malformed.self) { _ = try BlockRecord(bytes, 0..<bytes.count) }
  }

  @Test("A last block that the index knows is never cut off, whatever has become of it")
  func indexedLastBlock() async throws {
    let folder = try TemporaryFolder()
    let (file, places) = try await makeLedger(folder.path, blocks: 4, bytes: 1500)
    try await withLedgers(folder.path) { _ = try await $0.openOrCreate("one") }
    let good = try #require(FileManager.default.contents(atPath: file))
    let begin = places[3]
    let parts = [
      begin..<(begin + 3), (begin + 3)..<(begin + 4), begin..<(begin + 512),
      (begin + 1024)..<(begin + 2048), begin..<places[4],
    ]
    for part in parts {
      for filling in [0, 0x55] as [UInt8] {
        var damaged = good
        for index in part { damaged[index] = filling }
        try damaged.write(to: URL(fileURLWithPath: file))
        try await expectRefused(folder.path, "\(filling) in \(part)")
        #expect(FileManager.default.contents(atPath: file) == damaged)
      }
    }
    try good.write(to: URL(fileURLWithPath: file))
    try await withLedgers(folder.path) { factory in
      let height = try await factory.openOrCreate("one").height
      #expect(height == 4)
    }
  }

  @Test("A block that was shown, but could not be entered into the index, is never cut off")
  func shownButNotIndexed() async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.boot = [1]
    try await withLedgers(folder.path, options: options) { factory in
      try await appendBlocks(2, to: try await factory.openOrCreate("one"))
    }
    let database = try LevelDB(path: "\(folder.path)/index")
    let store = try FileBlockStore(
      channelID: "one", folder: "\(folder.path)/chains/one",
      FileBlockStore.Environment(
        database: database, signatures: NoSignatures(), maximumFileSize: 1 << 20,
        appendPool: BlockingPool(threads: 1),
        readPool: BlockingPool(threads: 1), upkeepPool: BlockingPool(threads: 1),
        readMemory: SpareMemory(count: 1), appendMemory: SpareMemory(count: 1),
        budget: RecentBlocksBudget(total: 1 << 20, maximum: 1 << 20), logger: silent,
        mark: BootMark(
          database: database, chains: "\(folder.path)/chains", boot: options.boot)))
    // No write to it succeeds any more, as on a full disk.
    database.close()
    try await appendBlocks(1, to: store)
    #expect(store.height == 3)
    store.close()
    let file = "\(folder.path)/chains/one/blockfile_000000"
    let size = try fileSize(file)
    try changeByte(file, at: size - 100)
    for _ in 0..<2 {
      try await withLedgers(folder.path, options: options) { factory in
        await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
      }
    }
    #expect(try fileSize(file) == size)
  }

  @Test("A table of the index that was cut short is damage: the index is rebuilt")
  func shortTable() async throws {
    for part in [0, 2] {
      let folder = try TemporaryFolder()
      _ = try await makeLedger(folder.path, blocks: 50, bytes: 40)
      // Opened again, what the log has becomes a table.
      for _ in 0..<2 {
        try await withLedgers(folder.path) { _ = try await $0.openOrCreate("one") }
      }
      let index = "\(folder.path)/index"
      let names = try FileManager.default.contentsOfDirectory(atPath: index)
      let table = try #require(names.first { $0.hasSuffix(".ldb") })
      let size = try fileSize("\(index)/\(table)")
      try truncateFile("\(index)/\(table)", to: part == 0 ? 0 : size / part)
      let log = LogRecorder()
      try await withLedgers(folder.path, log: log.logger) { factory in
        let store = try await factory.openOrCreate("one")
        #expect(store.height == 50)
        try expectValidChain(store)
      }
      #expect(log.messages(from: .warning).count == 1)
      #expect(FileManager.default.fileExists(atPath: "\(index).damaged"))
    }
  }
}
