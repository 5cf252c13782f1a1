// Fingerprints that outlive the process: what they spare, what they notice, and that nothing depends
// on them.

import FabricCrypto
import FabricProtos
import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import BlockLedger

@Suite(.heavy) struct FingerprintTests {
  private func filePath(_ folder: TemporaryFolder) -> String {
    "\(folder.path)/chains/one/blockfile_000000"
  }

  /// Six blocks, and where each begins; the last number is the end of the file.
  private func makeLedger(_ folder: TemporaryFolder) async throws -> [Int] {
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      var ends = [0]
      for _ in 0..<6 {
        try await appendBlocks(1, to: store, bytes: 80)
        ends.append(try fileSize(filePath(folder)))
      }
      return ends
    }
  }

  /// What the index says of channel `one` while nobody has it open.
  private func withIndex<Value>(
    _ folder: String, channel: String = "one", _ body: (ChannelIndex) throws -> Value
  ) throws -> Value {
    let database = try LevelDB(path: "\(folder)/index")
    defer { database.close() }
    return try body(ChannelIndex(database: database, channelID: channel))
  }

  private func fingerprints(
    _ folder: String, channel: String = "one", below end: UInt64 = 1_000
  ) throws -> [UInt64: BlockFingerprint] {
    try withIndex(folder, channel: channel) { index in
      Dictionary(uniqueKeysWithValues: try index.fingerprints(0..<end).map { ($0, $1) })
    }
  }

  /// The fingerprint of the record between two positions of a file.
  private func fingerprint(_ file: String, _ range: Range<Int>) throws -> BlockFingerprint {
    let bytes = Array(try #require(FileManager.default.contents(atPath: file))[range])
    var index = 0
    _ = Varint.read(bytes, at: &index, end: bytes.count)
    return BlockFingerprint(
      size: bytes.count - index, checksum: ContentChecksum.of(bytes[index...]))
  }

  @Test(
    "Each block that is written has one in the index, whether its entry was written or made anew")
  func written() async throws {
    let folder = try TemporaryFolder()
    let ends = try await makeLedger(folder)
    let found = try fingerprints(folder.path)
    #expect(found.count == 6)
    for number in 0..<6 {
      #expect(
        try found[UInt64(number)]
          == fingerprint(filePath(folder), ends[number]..<ends[number + 1]))
    }
    try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    try await withLedgers(folder.path) { factory in _ = try await factory.openOrCreate("one") }
    #expect(try fingerprints(folder.path) == found)
  }

  @Test("After a restart a block that is what its fingerprint says is not hashed again")
  func trusted() async throws {
    let folder = try TemporaryFolder()
    let ends = try await makeLedger(folder)
    // Only somebody who writes to the index as well can do this.
    try changeByte(filePath(folder), at: ends[2] + 80)
    try withIndex(folder.path) { index in
      try index.add([(2, fingerprint(filePath(folder), ends[2]..<ends[3]))])
    }
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      _ = try store.block(2)
    }
    try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    try await withLedgers(folder.path) { factory in
      await #expect(throws: LedgerError.self) { try await factory.openOrCreate("one") }
    }
  }

  @Test("A bit that flips while the node is down is found in header and data", arguments: 0..<8)
  func flippedWhileDown(bit: Int) async throws {
    let folder = try TemporaryFolder()
    let ends = try await makeLedger(folder)
    let block = 2
    let record = try BlockRecord(
      Array(try #require(FileManager.default.contents(atPath: filePath(folder)))),
      (ends[block] + 2)..<ends[block + 1])
    let covered = ends[block]..<(try #require(record.data.last)).upperBound
    let log = LogRecorder()
    for position in covered where position % 3 == bit % 3 {
      try changeByte(filePath(folder), at: position, by: 1 << UInt8(bit))
      try await withLedgers(folder.path, log: log.logger) { factory in
        let store = try await factory.openOrCreate("one")
        do {
          // Together with others in front of it, or alone.
          if position % 2 == 0 {
            let before = try await store.serializedBlocks(from: 0, count: 6, bytes: 1 << 20)
            #expect(before.count == 2)
          }
          _ = try await store.serializedBlock(2)
          Issue.record("the damage at \(position) was not noticed")
        } catch LedgerError.corrupt(let channel, let name, let offset, let number, _) {
          #expect(channel == "one")
          #expect(name == filePath(folder))
          #expect(offset == Int64(ends[block]))
          #expect(number == 2)
        }
        for number in [0, 1, 3, 4, 5] as [UInt64] { _ = try await store.serializedBlock(number) }
      }
      try changeByte(filePath(folder), at: position, by: 1 << UInt8(bit))
    }
    #expect(try fingerprints(folder.path).count == 6)
  }

  @Test("Changed metadata, for which there is no hash, is served and said to have changed")
  func changedMetadata() async throws {
    let folder = try TemporaryFolder()
    let ends = try await makeLedger(folder)
    try changeByte(filePath(folder), at: ends[3] - 5)
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      let store = try await factory.openOrCreate("one")
      _ = try await store.serializedBlock(2)
      _ = try await store.serializedBlock(2)
    }
    let warnings = log.messages(from: .warning)
    #expect(warnings.count == 1)
    #expect(warnings.first?.contains("Block 2 of channel one") == true)
    #expect(warnings.first?.contains("orderer ledger verify one") == true)
  }

  @Test("A fingerprint of something else leads to the hashes, and is corrected if they are right")
  func staleFingerprint() async throws {
    let folder = try TemporaryFolder()
    _ = try await makeLedger(folder)
    let right = try fingerprints(folder.path)
    try withIndex(folder.path) { index in
      for number in 0..<6 as Range<UInt64> {
        let wrong = [
          BlockFingerprint(size: right[number]?.size ?? 0, checksum: 1),
          BlockFingerprint(size: 1, checksum: right[number]?.checksum ?? 0),
          BlockFingerprint(size: BlockRecord.maximumSize, checksum: 7),
        ]
        try index.add([(number, wrong[Int(number % 3)])])
      }
    }
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      let forms = try await store.serializedBlocks(from: 0, count: 6, bytes: 1 << 20)
      #expect(forms.count == 6)
      try expectValidChain(store)
    }
    #expect(try fingerprints(folder.path) == right)
  }

  @Test("A block that another program replaced, after it was torn, is taken as it is")
  func replacedLastBlock() async throws {
    let folder = try TemporaryFolder()
    let ends = try await makeLedger(folder)
    // As Go's orderer does it: cut off, written anew with the next messages, entered into the index.
    let previous = try await withLedgers(folder.path) { factory in
      SHA256Digest.hash(try await factory.openOrCreate("one").block(4).header.derBytes())
    }
    let other = makeBlock(5, after: previous, entries: 3, bytes: 91)
    try truncateFile(filePath(folder), to: ends[5])
    try appendToFile(filePath(folder), other.fileRecord().bytes)
    try withIndex(folder.path) { index in
      try index.record(
        [
          ChannelIndex.Entry(
            number: 5, location: BlockLocation(file: 0, offset: Int64(ends[5])), fingerprint: nil)
        ],
        checkpoint: ChannelIndex.Checkpoint(
          file: 0, size: Int64(try fileSize(filePath(folder))), lastBlock: 5),
        synchronized: true)
    }
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(try store.block(5) == other)
      try await appendBlocks(1, to: store)
    }
    #expect(
      try fingerprints(folder.path)[5]
        == fingerprint(filePath(folder), ends[5]..<(ends[5] + other.fileRecord().bytes.count)))
  }

  @Test("Those of blocks that are gone go with them")
  func goneBlocks() async throws {
    let folder = try TemporaryFolder()
    let ends = try await makeLedger(folder)
    try truncateFile(filePath(folder), to: ends[3])
    try await withLedgers(folder.path) { factory in
      let height = try await factory.openOrCreate("one").height
      #expect(height == 3)
    }
    #expect(try fingerprints(folder.path).keys.sorted() == [0, 1, 2])
    try await withLedgers(folder.path) { try await $0.remove("one") }
    #expect(try indexContent(folder.path).isEmpty)
  }

  @Test(
    "What a Go orderer wrote is hashed once: when it was read, its fingerprints are in the index",
    arguments: RecordedLedger.all)
  func writtenByGo(recorded: RecordedLedger) async throws {
    let target = try TemporaryFolder()
    let folder = try recorded.extract(into: target)
    let before = try indexContent(folder)
    #expect(before.keys.allSatisfy { !isOwnKey($0) })
    let log = LogRecorder()
    try await withLedgers(folder, log: log.logger) { factory in
      for channel in recorded.heights.keys {
        let store = try await factory.openOrCreate(channel)
        _ = try await wireForms(store)
        try expectValidChain(store)
      }
    }
    #expect(log.messages() == [])
    let after = try indexContent(folder)
    #expect(after.filter { !isOwnKey($0.key) } == before)
    for (channel, height) in recorded.heights {
      #expect(try fingerprints(folder, channel: channel).count == Int(height))
    }
  }

  @Test("An index without them, with odd ones, or with those of another version works as well")
  func oddEntries() async throws {
    let folder = try TemporaryFolder()
    _ = try await makeLedger(folder)
    let database = try LevelDB(path: "\(folder.path)/index")
    var batch = LevelDB.Batch()
    let odd: [[UInt8]] = [
      [], [1], [2] + Array(repeating: 0, count: 12), Array(repeating: 255, count: 13),
    ]
    for number in 0..<4 as Range<UInt8> {
      let significant: [UInt8] = number == 0 ? [0] : [1, number]
      batch.put(Array("one".utf8) + [0, UInt8(ascii: "x")] + significant, odd[Int(number)])
    }
    batch.put(Array("one".utf8) + [0, UInt8(ascii: "x"), 9, 1], [1])
    batch.put(Array("one".utf8) + [0, UInt8(ascii: "x")], [1])
    try database.write(batch, synchronized: true)
    database.close()
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      let store = try await factory.openOrCreate("one")
      let forms = try await store.serializedBlocks(from: 0, count: 6, bytes: 1 << 20)
      #expect(forms.count == 6)
      try expectValidChain(store)
    }
    #expect(log.messages() == [])
    #expect(try fingerprints(folder.path).count == 6)
  }

  @Test("Numbers of any length keep their place among the keys")
  func order() async throws {
    let folder = try TemporaryFolder()
    let numbers: [UInt64] = [0, 1, 255, 256, 65_535, 65_536, 1 << 24, 1 << 32, .max - 1]
    let database = try LevelDB(path: folder.path)
    defer { database.close() }
    let index = ChannelIndex(database: database, channelID: "one")
    let other = ChannelIndex(database: database, channelID: "one1")
    for (size, number) in numbers.enumerated() {
      try index.add([(number, BlockFingerprint(size: size, checksum: number &* 3 + 1))])
      try other.add([(number, BlockFingerprint(size: 99, checksum: 99))])
    }
    for (size, number) in numbers.enumerated() {
      let found = try index.fingerprints(number..<(number + 1))
      #expect(found.map(\.number) == [number])
      #expect(found.map(\.fingerprint) == [BlockFingerprint(size: size, checksum: number &* 3 + 1)])
    }
    #expect(try index.fingerprints(0..<70_000).map(\.number) == Array(numbers[..<6]))
    #expect(try index.fingerprints(2..<255).isEmpty)
  }
}

/// Whether a key of the index is one that Go's orderer does not have.
func isOwnKey(_ key: [UInt8]) -> Bool {
  guard let end = key.firstIndex(of: 0), end + 1 < key.count else { return false }
  return key[end + 1] == UInt8(ascii: "x") || key[(end + 1)...].elementsEqual("lastBoot".utf8)
}
