// Starting after crashes, and with an index that is missing, old, ahead or damaged.

import FabricProtos
import Foundation
import TestSupport
import Testing

@testable import BlockLedger

@Suite(.heavy) struct RecoveryTests {
  /// A ledger of one channel; the sizes of its only block file after each block.
  private func makeLedger(
    _ folder: String, blocks: Int, bytes: Int = 100
  ) async throws -> (file: String, ends: [Int], wires: [[UInt8]]) {
    try await withLedgers(folder) { factory in
      let store = try await factory.openOrCreate("one")
      let file = "\(folder)/chains/one/blockfile_000000"
      var ends: [Int] = []
      for _ in 0..<blocks {
        try await appendBlocks(1, to: store, bytes: bytes)
        ends.append(try fileSize(file))
      }
      return (file, ends, try await wireForms(store))
    }
  }

  @Test(
    "A last block cut at any byte is dropped, with the index and without",
    arguments: [true, false])
  func tornAtEveryByte(keepIndex: Bool) async throws {
    let folder = try TemporaryFolder()
    let origin = "\(folder.path)/origin"
    let (_, ends, wires) = try await makeLedger(origin, blocks: 4, bytes: 60)
    for size in ends[2]..<ends[3] {
      let copy = "\(folder.path)/copy"
      try FileManager.default.copyItem(atPath: origin, toPath: copy)
      let file = "\(copy)/chains/one/blockfile_000000"
      try truncateFile(file, to: size)
      if !keepIndex { try FileManager.default.removeItem(atPath: "\(copy)/index") }
      try await withLedgers(copy) { factory in
        let store = try await factory.openOrCreate("one")
        try #require(store.height == 3, "cut at \(size)")
        #expect(try fileSize(file) == ends[2])
        #expect(try await wireForms(store) == Array(wires.prefix(3)))
        try await appendBlocks(2, to: store)
      }
      let log = LogRecorder()
      try await withLedgers(copy, log: log.logger) { factory in
        let store = try await factory.openOrCreate("one")
        #expect(store.height == 5)
        try expectValidChain(store)
      }
      #expect(log.messages() == [])
      try FileManager.default.removeItem(atPath: copy)
    }
  }

  @Test("A write that a crash cut short behind the index's last block is dropped")
  func tornBehindIndex() async throws {
    let folder = try TemporaryFolder()
    let (file, ends, _) = try await makeLedger(folder.path, blocks: 3, bytes: 2000)
    let last = try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      return nextBlock(of: store, bytes: 2000)
    }
    let record = last.fileRecord().bytes
    var zeroed = record
    // The second half of the write was lost, but not the new size.
    for index in (record.count / 2)..<record.count { zeroed[index] = 0 }
    let tails: [[UInt8]] = [
      Array(record.prefix(1)), Array(record.prefix(50)), record.dropLast(1),
      [UInt8](repeating: 0, count: 5000), zeroed, [0xFF, 0x7F] + Array("partial block".utf8),
      [0xFF, 0xFF], [UInt8](repeating: 0xFF, count: 100),
    ].map { Array($0) }
    for (index, tail) in tails.enumerated() {
      try appendToFile(file, tail)
      try await withLedgers(folder.path) { factory in
        let store = try await factory.openOrCreate("one")
        #expect(store.height == 3, "tail \(index)")
        #expect(try fileSize(file) == ends[2])
      }
    }
    // The whole record is a block.
    try appendToFile(file, record)
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(store.height == 4)
      #expect(try store.block(3) == last)
    }
  }

  /// A block with metadata of the size that signatures have.
  private func signedBlock(_ number: UInt64, after previousHash: [UInt8]) -> Block {
    var block = makeBlock(number, after: previousHash)
    block.metadata = [(0..<1500).map { UInt8($0 % 255 + 1) }, [1], [], [0, 0, 7], []]
    return block
  }

  @Test("A block with a sector missing in its metadata, which no hash covers, was never written")
  func holeInMetadata() async throws {
    let folder = try TemporaryFolder()
    let (file, ends, _) = try await makeLedger(folder.path, blocks: 2)
    let last = try await withLedgers(folder.path) { factory in
      signedBlock(2, after: try await factory.openOrCreate("one").lastBlockHash)
    }
    let (record, prefix) = last.fileRecord()
    let parsed = try BlockRecord(record, prefix..<record.count)
    let next = signedBlock(3, after: parsed.headerHash)
    let metadata = ends[1] + (try #require(parsed.data.last)).upperBound
    let sectors = stride(from: 0, to: ends[1] + record.count, by: 512).filter { $0 >= metadata }
    #expect(sectors.count == 3)
    for sector in sectors {
      var torn = record
      let end = min(sector + 512 - ends[1], record.count)
      for index in (sector - ends[1])..<end { torn[index] = 0 }
      #expect((try? BlockRecord(torn, prefix..<torn.count)) != nil || sector == sectors.last)
      try appendToFile(file, torn)
      try await withLedgers(folder.path) { factory in
        let height = try await factory.openOrCreate("one").height
        #expect(height == 2, "sector \(sector)")
        #expect(try fileSize(file) == ends[1])
      }
      // Others may have read it if another block follows it.
      try appendToFile(file, torn + next.fileRecord().bytes)
      try await withLedgers(folder.path) { factory in
        await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
      }
      try truncateFile(file, to: ends[1])
    }
    try appendToFile(file, record)
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(try store.block(2) == last)
    }
  }

  /// Knows what the metadata with the signatures should be.
  private struct KnownSignatures: SignatureProbe {
    let whole: [UInt8]

    func isLastSignatureCut(_ metadata: [UInt8], of header: BlockHeader) -> Bool {
      metadata != whole
    }
  }

  @Test("A block whose metadata ends with zeros from some byte on was never written")
  func zerosAtTheEnd() async throws {
    let folder = try TemporaryFolder()
    let (file, ends, _) = try await makeLedger(folder.path, blocks: 2)
    let previous = try await withLedgers(folder.path) { factory in
      try await factory.openOrCreate("one").lastBlockHash
    }
    // The signature ends with a zero, as one in 256 does.
    let whole = (1...999).map { UInt8($0 % 255 + 1) } + [0]
    var block = makeBlock(2, after: previous)
    block.metadata = [whole, [], [], [], []]
    let (record, prefix) = block.fileRecord()
    let parsed = try BlockRecord(record, prefix..<record.count)
    let begin = try #require(parsed.metadata.first).lowerBound
    let lastDigit = try #require(record.lastIndex { $0 != 0 })
    let probe = KnownSignatures(whole: whole)
    for cut in stride(from: begin, to: lastDigit - 20, by: 31) + Array((lastDigit - 20)...lastDigit)
    {
      var torn = record
      for index in cut..<record.count { torn[index] = 0 }
      try appendToFile(file, torn)
      try await withLedgers(folder.path, signatures: probe) { factory in
        let height = try await factory.openOrCreate("one").height
        #expect(height == 2, "zeros from byte \(cut) of \(record.count) on")
        #expect(try fileSize(file) == ends[1])
      }
      try truncateFile(file, to: ends[1])
    }
    try appendToFile(file, record)
    try await withLedgers(folder.path, signatures: probe) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(store.height == 3)
    }
  }

  @Test(
    "A last block that is all there but damaged is moved aside if nobody can have seen it",
    arguments: [true, false], ["metadata", "data", "length"])
  func damagedLastBlock(isSameBoot: Bool, part: String) async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.boot = Array("the first".utf8)
    let before = options
    let (file, ends, _) = try await makeLedger(folder.path, blocks: 2)
    let previous = try await withLedgers(folder.path, options: before) { factory in
      try await factory.openOrCreate("one").lastBlockHash
    }
    // As by a process that was killed before the block was in the index.
    var (record, prefix) = makeBlock(2, after: previous).fileRecord()
    switch part {
    case "metadata": record[record.count - 9] = 99
    case "data": record[prefix + 100] ^= 1
    default: record[0] ^= 1
    }
    try appendToFile(file, record)
    if !isSameBoot { options.boot = Array("the second".utf8) }
    try await withLedgers(folder.path, options: options) { factory in
      if isSameBoot {
        let store = try await factory.openOrCreate("one")
        #expect(store.height == 2)
        let saved = FileManager.default.contents(
          atPath: "\(folder.path)/chains/one/removed_0_\(ends[1])")
        #expect(saved.map { Array($0) } == record)
        try await appendBlocks(1, to: store)
      } else {
        await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
      }
    }
    if !isSameBoot { #expect(try fileSize(file) == ends[1] + record.count) }
  }

  @Test("A last block that was in the index is never cut off, whichever boot it is")
  func damagedIndexedBlock() async throws {
    let folder = try TemporaryFolder()
    let (file, ends, _) = try await makeLedger(folder.path, blocks: 3)
    try changeByte(file, at: ends[1] + 120)
    try await withLedgers(folder.path) { factory in
      await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
    }
    #expect(try fileSize(file) == ends[2])
  }

  @Test("Garbage that was never a block is moved to a file of its own")
  func garbage() async throws {
    let folder = try TemporaryFolder()
    let (file, ends, _) = try await makeLedger(folder.path, blocks: 2)
    let garbage = [5] + [UInt8](repeating: 9, count: 400)
    try appendToFile(file, garbage)
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      let height = try await factory.openOrCreate("one").height
      #expect(height == 2)
    }
    #expect(log.messages(from: .warning).count == 1)
    #expect(try fileSize(file) == ends[1])
    let saved = FileManager.default.contents(
      atPath: "\(folder.path)/chains/one/removed_0_\(ends[1])")
    #expect(saved.map { Array($0) } == garbage)
  }

  @Test("Blocks that the index knew and the file lost are dropped from the index")
  func truncatedFile() async throws {
    let folder = try TemporaryFolder()
    let (file, ends, wires) = try await makeLedger(folder.path, blocks: 30)
    for size in [ends[19] + 10, ends[9], ends[0] + 3] {
      try truncateFile(file, to: size)
      let kept = ends.count { $0 <= size }
      let log = LogRecorder()
      try await withLedgers(folder.path, log: log.logger) { factory in
        let store = try await factory.openOrCreate("one")
        #expect(store.height == UInt64(kept))
        #expect(try await wireForms(store) == Array(wires.prefix(kept)))
      }
      #expect(log.messages(from: .error).count == 1)
      let blocks = try indexContent(folder.path).keys.filter {
        $0.starts(with: Array("one".utf8) + [0, UInt8(ascii: "n")])
      }
      #expect(blocks.count == kept)
    }
    try await withLedgers(folder.path) { factory in
      try await appendBlocks(2, to: try await factory.openOrCreate("one"))
    }
  }

  @Test("A missing index is rebuilt")
  func missingIndex() async throws {
    let folder = try TemporaryFolder()
    let (_, _, wires) = try await makeLedger(folder.path, blocks: 20)
    let before = try indexContent(folder.path)
    try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      let wires2 = try await wireForms(try await factory.openOrCreate("one"))
      #expect(wires2 == wires)
    }
    #expect(log.messages().contains { $0.contains("rebuilding it") })
    #expect(log.messages(from: .warning) == [])
    #expect(try indexContent(folder.path) == before)
  }

  @Test("An interrupted rebuild goes on where it stopped")
  func interruptedRebuild() async throws {
    let folder = try TemporaryFolder()
    let (_, _, wires) = try await makeLedger(folder.path, blocks: 20)
    let database = try LevelDB(path: "\(folder.path)/index")
    let index = ChannelIndex(database: database, channelID: "one")
    try index.removeBlocks(from: 12)
    try index.removeCheckpoint()
    try index.record([], lastIndexed: 11, checkpoint: nil, synchronized: true)
    database.close()
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      let wires2 = try await wireForms(try await factory.openOrCreate("one"))
      #expect(wires2 == wires)
    }
    #expect(log.messages() == ["Indexed 8 block(s) of channel one, the last is 19"])
  }

  @Test(
    "A damaged index is moved aside and rebuilt",
    arguments: ["CURRENT", "MANIFEST", "log", "all", "file"])
  func damagedIndex(kind: String) async throws {
    let folder = try TemporaryFolder()
    let (_, _, wires) = try await makeLedger(folder.path, blocks: 20)
    let index = "\(folder.path)/index"
    if kind == "file" {
      try FileManager.default.removeItem(atPath: index)
      try Data("no folder".utf8).write(to: URL(fileURLWithPath: index))
    } else {
      for name in try FileManager.default.contentsOfDirectory(atPath: index)
      where kind == "all" || name.hasPrefix(kind) || name.hasSuffix(kind) {
        let garbage = (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 97 &+ 5) }
        try Data(garbage).write(to: URL(fileURLWithPath: "\(index)/\(name)"))
      }
    }
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(try await wireForms(store) == wires)
      try await appendBlocks(1, to: store)
    }
    // LevelDB takes the garbage in its log for a write that a crash cut short, and begins with none.
    let moved = kind != "log"
    #expect(log.messages(from: .warning).count == (moved ? 1 : 0))
    #expect(FileManager.default.fileExists(atPath: "\(index).damaged") == moved)
    try await withLedgers(folder.path) { factory in
      let height = try await factory.openOrCreate("one").height
      #expect(height == 21)
    }
  }

  @Test("An index that is behind catches up, also over several files")
  func oldIndex() async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.maximumFileSize = 2000
    try await withLedgers(folder.path, options: options) { factory in
      try await appendBlocks(7, to: try await factory.openOrCreate("one"))
    }
    let saved = "\(folder.path)/saved"
    try FileManager.default.copyItem(atPath: "\(folder.path)/index", toPath: saved)
    let wires = try await withLedgers(folder.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      try await appendBlocks(20, to: store)
      return try await wireForms(store)
    }
    let complete = try indexContent(folder.path)
    try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    try FileManager.default.moveItem(atPath: saved, toPath: "\(folder.path)/index")
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(store.height == 27)
      #expect(try await wireForms(store) == wires)
    }
    #expect(log.messages() == ["Indexed 20 block(s) of channel one, the last is 26"])
    #expect(try indexContent(folder.path) == complete)
  }

  @Test("An index with holes or wrong places still leads to the blocks")
  func wrongEntries() async throws {
    let folder = try TemporaryFolder()
    let (_, _, wires) = try await makeLedger(folder.path, blocks: 20)
    let complete = try indexContent(folder.path)
    let database = try LevelDB(path: "\(folder.path)/index")
    let index = ChannelIndex(database: database, channelID: "one")
    let places = [
      BlockLocation(file: 0, offset: 3), BlockLocation(file: 7, offset: 0),
      BlockLocation(file: 0, offset: 1 << 40), BlockLocation(file: 0, offset: 0),
    ]
    for (number, place) in zip([3, 6, 9, 12] as [UInt64], places) {
      try index.correct(.init(number: number, location: place))
    }
    database.close()
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      // Each on its own, so that no block leads to the next.
      for number in [12, 9, 6, 3] as [UInt64] {
        #expect(try store.block(number).serialized() == wires[Int(number)])
      }
    }
    #expect(try indexContent(folder.path) == complete)
  }

  @Test("An empty newest file and an empty channel folder are no trouble")
  func emptyFiles() async throws {
    let folder = try TemporaryFolder()
    let (_, _, wires) = try await makeLedger(folder.path, blocks: 3)
    let next = "\(folder.path)/chains/one/blockfile_000001"
    createFile(next)
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/chains/two", withIntermediateDirectories: true)
    try await withLedgers(folder.path) { factory in
      #expect(try factory.channelIDs() == ["one", "two"])
      #expect(try await factory.openOrCreate("two").height == 0)
      let store = try await factory.openOrCreate("one")
      #expect(try await wireForms(store) == wires)
      try await appendBlocks(2, to: store)
      #expect(try fileSize(next) > 0)
    }
    try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(store.height == 5)
      try expectValidChain(store)
    }
  }
}
