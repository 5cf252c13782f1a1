// Several blocks at a time: added with one synchronization, and read with one trip to the disk.

import FabricProtos
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct GroupTests {
  private func chain(_ count: Int, bytes: Int = 200) -> [Block] {
    var blocks: [Block] = []
    var previous: [UInt8] = []
    for number in 0..<count {
      // Every now and then one that is larger than a whole file of the test.
      let block = makeBlock(
        UInt64(number), after: previous, bytes: number % 17 == 16 ? 3000 : bytes)
      blocks.append(block)
      previous = BlockRecordHash.of(block)
    }
    return blocks
  }

  private enum BlockRecordHash {
    static func of(_ block: Block) -> [UInt8] {
      let (bytes, prefix) = block.fileRecord()
      return (try? BlockRecord(bytes, prefix..<bytes.count))?.headerHash ?? []
    }
  }

  private static func options(maximumFileSize: Int64) -> FileLedgerFactory.Options {
    var options = FileLedgerFactory.Options()
    options.maximumFileSize = maximumFileSize
    options.recentBytesPerChannel = 0
    return options
  }

  @Test("Blocks are laid out one behind the other as each is alone")
  func layouts() throws {
    let blocks = chain(20)
    var together: [UInt8] = []
    let sealed = try blocks.map { try SealedBlock(verifying: $0) }
    let layouts = sealed.map { $0.layOut(in: &together) }
    #expect(together == blocks.flatMap { $0.fileRecord().bytes })
    var begin = 0
    for (layout, block) in zip(layouts, sealed) {
      let record = BlockRecord(together, layout)
      #expect(record.isLaidOut(for: block.header))
      #expect(record.storedSize == block.storedSize && record.body.count == block.recordSize)
      #expect(record.fingerprint == block.record.fingerprint)
      #expect(record.wireForm() == block.record.wireForm())
      begin += record.storedSize
      #expect(record.body.upperBound == begin)
    }
  }

  @Test("Spare memory can be let go of at any time")
  func spareMemory() async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.recentBytesPerChannel = 300_000
    try await withLedgers(folder.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      var wire: [ByteBuffer] = []
      for _ in 0..<12 {
        try await appendBlocks(1, to: store, bytes: 50_000)
        let number = store.height - 1
        wire.append(try await store.serializedBlocks(from: number, count: 1, bytes: 1)[0])
        if number % 3 == 2 { factory.releaseSpareMemory() }
      }
      for number in wire.indices {
        let read = try await store.serializedBlocks(from: UInt64(number), count: 1, bytes: 1)
        #expect(read == [wire[number]])
        factory.releaseSpareMemory()
      }
      try expectValidChain(store)
    }
  }

  @Test("Blocks that are added together give the files of blocks added one by one")
  func sameFiles() async throws {
    let blocks = chain(50)
    let single = try TemporaryFolder()
    let grouped = try TemporaryFolder()
    let options = Self.options(maximumFileSize: 2500)
    try await withLedgers(single.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      for block in blocks { try await store.append(block) }
    }
    try await withLedgers(grouped.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      var rest = blocks[...]
      for size in [1, 2, 20, 0, 27] {
        try await store.append(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
        try expectValidChain(store)
      }
      #expect(store.height == 50)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(single.path)/chains/one")
    #expect(names.count > 5)
    for name in names {
      #expect(
        FileManager.default.contents(atPath: "\(single.path)/chains/one/\(name)")
          == FileManager.default.contents(atPath: "\(grouped.path)/chains/one/\(name)"))
    }
    #expect(try indexContent(single.path) == indexContent(grouped.path))
  }

  @Test("A block that does not fit keeps its whole group out")
  func refusedGroup() async throws {
    let folder = try TemporaryFolder()
    var blocks = chain(4)
    blocks[2].header.previousHash = [1]
    let bad = blocks
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      await #expect(throws: LedgerError.self) { try await store.append(bad) }
      #expect(store.height == 0)
      try await store.append(chain(4))
      #expect(store.height == 4)
    }
  }

  @Test("Blocks that are read together are those that are read alone, within the bounds")
  func readTogether() async throws {
    let folder = try TemporaryFolder()
    let options = Self.options(maximumFileSize: 2500)
    try await withLedgers(folder.path, options: options) { factory in
      try await factory.openOrCreate("one").append(chain(50))
    }
    try await withLedgers(folder.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      let alone = try await wireForms(store)
      for (from, count, bytes) in [(0, 50, 1 << 20), (0, 7, 1 << 20), (13, 9, 1000), (49, 9, 9)] {
        let forms = try await store.serializedBlocks(
          from: UInt64(from), count: count, bytes: bytes)
        #expect(!forms.isEmpty && forms.count <= count)
        #expect(forms.dropLast().reduce(0) { $0 + $1.readableBytes } < bytes)
        #expect(
          forms.map { Array($0.readableBytesView) } == Array(alone[from...].prefix(forms.count)))
      }
      await #expect(throws: LedgerError.notFound(channel: "one", number: 50, height: 50)) {
        _ = try await store.serializedBlocks(from: 50, count: 1, bytes: 1)
      }
    }
  }

  @Test("Reading old blocks leaves the newest ones in memory")
  func tipStays() {
    let recent = RecentBlocks(budget: RecentBlocksBudget(total: 1 << 20, maximum: 1 << 20))
    let block = ByteBuffer(repeating: 1, count: 100_000)
    let hint = RecentBlocks.Hint(location: BlockLocation(file: 0, offset: 0), length: 1)
    for number in 1_000..<1_005 as Range<UInt64> { recent.insert(number, block, hint) }
    for number in 0..<1_000 as Range<UInt64> { recent.pass(from: number, [block]) }
    for number in 1_000..<1_005 as Range<UInt64> { #expect(recent.wireForm(number) != nil) }
    #expect(recent.wireForm(999) != nil)
    #expect(recent.wireForm(900) == nil)
  }

  @Test(
    "A change behind the process's back is found although no hash covers it, and ends the channel")
  func changedSinceWritten() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path, options: Self.options(maximumFileSize: 1 << 20)) { factory in
      let store = try await factory.openOrCreate("one")
      try await store.append(chain(5))
      let size = try fileSize("\(folder.path)/chains/one/blockfile_000000")
      // The last bytes of block 3 are its metadata.
      let last = store.height - 1
      let lastSize = try #require(chain(5).last).fileRecord().bytes.count
      try changeByte("\(folder.path)/chains/one/blockfile_000000", at: size - lastSize - 3)
      #expect(throws: LedgerError.self) { _ = try store.block(last - 1) }
      _ = try store.block(last)
      do {
        try await store.append(nextBlock(of: store))
        Issue.record("the channel goes on")
      } catch LedgerError.halted(let channel, let reason) {
        #expect(channel == "one")
        #expect(reason.contains("blockfile_000000"))
      }
    }
  }

  @Test("A changed link is found by who reads one block after the other")
  func changedLink() async throws {
    let folder = try TemporaryFolder()
    let blocks = chain(5)
    try await withLedgers(folder.path) { try await $0.openOrCreate("one").append(blocks) }
    let begin = blocks[..<3].reduce(0) { $0 + $1.fileRecord().bytes.count }
    // Length, number, data hash, and some way into the previous hash.
    try changeByte("\(folder.path)/chains/one/blockfile_000000", at: begin + 2 + 1 + 33 + 10)
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      for number in 0..<3 as Range<UInt64> { _ = try store.block(number) }
      #expect(throws: LedgerError.self) { _ = try store.block(3) }
    }
  }
}
