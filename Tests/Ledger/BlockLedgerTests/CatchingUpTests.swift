// Reading a chain from its beginning: from the kernel's memory, through memory that is used again.

import FabricCrypto
import FabricProtos
import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import BlockLedger

@Suite(.heavy) struct CatchingUpTests {
  private static func chain(_ sizes: [Int]) -> [Block] {
    var blocks: [Block] = []
    for size in sizes {
      let previous = blocks.last.map { SHA256Digest.hash($0.header.derBytes()) } ?? []
      blocks.append(makeBlock(UInt64(blocks.count), after: previous, entries: 3, bytes: size))
    }
    return blocks
  }

  private static func options(fileSize: Int64 = 64 << 20) -> FileLedgerFactory.Options {
    var options = FileLedgerFactory.Options()
    options.maximumFileSize = fileSize
    // So that nothing but the newest block is read from memory.
    options.recentBytesPerChannel = 0
    options.recentBytes = 0
    return options
  }

  private func readAll(
    _ store: any BlockStore, bytes: Int = 256 << 10, from first: UInt64 = 0
  ) async throws -> [ByteBuffer] {
    var forms: [ByteBuffer] = []
    while first + UInt64(forms.count) < store.height {
      let next = first + UInt64(forms.count)
      let piece = try await store.serializedBlocks(
        from: next, count: Int(min(store.height - next, 256)), bytes: bytes)
      try #require(!piece.isEmpty)
      forms += piece
    }
    return forms
  }

  @Test(
    "The whole chain comes as it was written, across files and chunks, the first time and again",
    arguments: [40_000, 1 << 20] as [Int64])
  func wholeChain(fileSize: Int64) async throws {
    let folder = try TemporaryFolder()
    let blocks = Self.chain((0..<2_100).map { $0 % 50 == 7 ? 5_000 : 20 + $0 % 60 })
    let expected = blocks.map { $0.serialized() }
    try await withLedgers(folder.path, options: Self.options(fileSize: fileSize)) { factory in
      try await factory.openOrCreate("one").append(blocks)
    }
    try await withLedgers(folder.path, options: Self.options(fileSize: fileSize)) { factory in
      let store = try await factory.openOrCreate("one")
      for bytes in [256 << 10, 1, 3_000] {
        let forms = try await readAll(store, bytes: bytes)
        #expect(forms.map { Array($0.readableBytesView) } == expected)
      }
    }
  }

  @Test("Blocks that somebody still holds keep their bytes while others are read into used memory")
  func heldBlocks() async throws {
    let folder = try TemporaryFolder()
    let blocks = Self.chain((0..<60).map { 30_000 + 500 * ($0 % 7) })
    let expected = blocks.map { $0.serialized() }
    try await withLedgers(folder.path, options: Self.options()) { factory in
      try await factory.openOrCreate("one").append(blocks)
    }
    try await withLedgers(folder.path, options: Self.options()) { factory in
      let store = try await factory.openOrCreate("one")
      // The first round is dropped, so that its memory can be used again.
      _ = try await readAll(store)
      var held: [ByteBuffer] = []
      for round in 0..<4 {
        let forms = try await readAll(store)
        #expect(forms.map { Array($0.readableBytesView) } == expected)
        held += forms.enumerated().filter { $0.offset % 4 == round }.map(\.element)
      }
      let kept = (0..<4).flatMap { round in
        expected.enumerated().filter { $0.offset % 4 == round }.map(\.element)
      }
      #expect(held.map { Array($0.readableBytesView) } == kept)
    }
  }

  @Test("Many readers at different places all get the chain")
  func manyReaders() async throws {
    let folder = try TemporaryFolder()
    let blocks = Self.chain((0..<300).map { 2_000 + $0 })
    let expected = blocks.map { $0.serialized() }
    try await withLedgers(folder.path, options: Self.options(fileSize: 300_000)) { factory in
      try await factory.openOrCreate("one").append(blocks)
    }
    try await withLedgers(folder.path, options: Self.options(fileSize: 300_000)) { factory in
      let store = try await factory.openOrCreate("one")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for reader in 0..<16 {
          group.addTask {
            for first in [0, reader * 17, 299] {
              let forms = try await readAll(
                store, bytes: 10_000 + 5_000 * reader, from: UInt64(first))
              #expect(forms.map { Array($0.readableBytesView) } == Array(expected[first...]))
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("A block that is too large for the reader's thread is read as well")
  func largeBlocks() async throws {
    let folder = try TemporaryFolder()
    let blocks = Self.chain([10, BlockReader.maximumCached / 3 + 100, 10, 1_500_000, 20])
    try await withLedgers(folder.path, options: Self.options()) { factory in
      try await factory.openOrCreate("one").append(blocks)
    }
    try await withLedgers(folder.path, options: Self.options()) { factory in
      let store = try await factory.openOrCreate("one")
      for _ in 0..<3 {
        let forms = try await readAll(store)
        #expect(forms.map { Array($0.readableBytesView) } == blocks.map { $0.serialized() })
      }
    }
  }

  @Test("Damage in the middle ends what is read before it, and is reported by who reads it")
  func damageOnTheWay() async throws {
    let folder = try TemporaryFolder()
    let blocks = Self.chain(Array(repeating: 300, count: 40))
    let file = "\(folder.path)/chains/one/blockfile_000000"
    try await withLedgers(folder.path, options: Self.options()) { factory in
      try await factory.openOrCreate("one").append(blocks)
    }
    let begin = blocks[..<20].reduce(0) { $0 + $1.fileRecord().bytes.count }
    try await withLedgers(folder.path, options: Self.options()) { factory in
      let store = try await factory.openOrCreate("one")
      // Once before, so that all is known, and once after.
      #expect(try await readAll(store).count == 40)
      try changeByte(file, at: begin + 500)
      let before = try await store.serializedBlocks(from: 0, count: 40, bytes: 1 << 20)
      #expect(before.map { Array($0.readableBytesView) } == blocks[..<20].map { $0.serialized() })
      do {
        _ = try await store.serializedBlocks(from: 20, count: 20, bytes: 1 << 20)
        Issue.record("the damage was not noticed")
      } catch LedgerError.corrupt(let channel, let name, let offset, let number, _) {
        #expect(channel == "one")
        #expect(name == file)
        #expect(offset == Int64(begin))
        #expect(number == 20)
      }
      let after = try await store.serializedBlocks(from: 21, count: 40, bytes: 1 << 20)
      #expect(after.count == 19)
    }
  }

  @Test("Blocks that come while a reader catches up are read in order")
  func growing() async throws {
    let folder = try TemporaryFolder()
    let blocks = Self.chain(Array(repeating: 2_000, count: 200))
    try await withLedgers(folder.path, options: Self.options(fileSize: 100_000)) { factory in
      let store = try await factory.openOrCreate("one")
      async let appended: Void = {
        for start in stride(from: 0, to: 200, by: 8) {
          try await store.append(Array(blocks[start..<min(200, start + 8)]))
        }
      }()
      var forms: [ByteBuffer] = []
      while forms.count < blocks.count {
        try await waitForBlock(UInt64(forms.count), of: store)
        forms += try await store.serializedBlocks(
          from: UInt64(forms.count), count: 256, bytes: 20_000)
      }
      try await appended
      #expect(forms.map { Array($0.readableBytesView) } == blocks.map { $0.serialized() })
    }
  }

  /// What a builder makes of a record that comes through windows of a size.
  private func build(
    _ record: ArraySlice<UInt8>, window: Int
  ) -> (wire: ByteBuffer, fingerprint: BlockFingerprint)? {
    var builder = WireFormBuilder(size: record.count, memory: WireMemory())
    var start = 0
    while true {
      let end = min(record.count, start + window)
      let part = Array(record[(record.startIndex + start)..<(record.startIndex + end)])
      let step = part.withUnsafeBytes { builder.take(RecordWindow(bytes: $0, start: start)) }
      switch step {
      case .more(let place):
        // Each window brings it forward, or nothing ever would.
        guard place > start, end < record.count else { return nil }
        start = place
      case .done:
        let fingerprint = BlockFingerprint(size: record.count, checksum: builder.checksum)
        return (builder.finish(), fingerprint)
      case .unusual: return nil
      }
    }
  }

  @Test(
    "A block that is built while it is read, whatever the window, is the one that is read first",
    arguments: [100, 128, 200, 1_000, 4_096, 1 << 20])
  func builtInWindows(window: Int) throws {
    let shapes = [
      (0, 0), (1, 0), (1, 1), (3, 31), (40, 33), (7, 130), (2, 20_000), (500, 64), (90, 0),
      (3, 160),
    ]
    for (entries, bytes) in shapes {
      for number in [0, 300, UInt64.max - 1] {
        var block = makeBlock(
          300, after: number == 0 ? [] : Array(1...32), entries: entries, bytes: bytes)
        block.header.number = number
        for metadata in [block.metadata, [], [[]], [[UInt8](repeating: 9, count: 1_000)]] {
          block.metadata = metadata
          let (stored, prefix) = block.fileRecord()
          let record = try BlockRecord(stored, prefix..<stored.count)
          let built = try #require(build(stored[prefix...], window: window))
          #expect(Array(built.wire.readableBytesView) == block.serialized())
          #expect(built.wire == record.wireForm())
          #expect(built.fingerprint == record.fingerprint)
          #expect(built.fingerprint.storedSize == stored.count)
        }
      }
    }
  }

  @Test("A builder takes nothing that is no record, and never more than there is")
  func damagedRecords() throws {
    var random = SystemRandomNumberGenerator()
    let (stored, prefix) = makeBlock(7, after: Array(1...32), entries: 5, bytes: 60).fileRecord()
    let record = Array(stored[prefix...])
    for size in 0..<record.count { _ = build(record[..<size], window: 128) }
    for _ in 0..<20_000 {
      var bytes = record
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      let built = build(bytes[...], window: Int.random(in: 100...500, using: &random))
      let parsed = try? BlockRecord(bytes, 0..<bytes.count)
      // What one of them takes is what the other takes, except that lengths may be written too long.
      if let built {
        #expect(parsed?.wireForm() == built.wire)
        #expect(parsed?.fingerprint == built.fingerprint)
      }
    }
  }

  @Test("A header that is longer than any hash makes is left to who can say what is wrong")
  func unusualHeader() {
    var block = makeBlock(1, after: Array(repeating: 5, count: 100))
    let (stored, prefix) = block.fileRecord()
    #expect(build(stored[prefix...], window: 1_000) == nil)
    block.header.previousHash = []
    block.header.dataHash = []
    let (small, start) = block.fileRecord()
    #expect(
      build(small[start...], window: 1_000)?.wire.readableBytesView.elementsEqual(
        block.serialized()) == true)
  }

  @Test("Memory that is kept for blocks is bounded and only given out when nobody holds it")
  func wireMemory() {
    let memory = WireMemory()
    var held: [ByteBuffer] = []
    for round in 0..<100 {
      var buffer = memory.take(100_000)
      #expect(buffer.readableBytes == 0)
      #expect(buffer.writableBytes >= 100_000)
      buffer.writeRepeatingByte(UInt8(round), count: 100_000)
      if round % 3 == 0 { held.append(buffer) }
      memory.give(buffer)
    }
    #expect(memory.total <= WireMemory.maximumTotal)
    for (index, buffer) in held.enumerated() {
      #expect(buffer.readableBytesView.allSatisfy { $0 == UInt8(3 * index) })
    }
    memory.give(ByteBuffer(repeating: 1, count: 10))
    memory.give(ByteBuffer(repeating: 1, count: 2 * WireMemory.sizes.upperBound))
    #expect(memory.total <= WireMemory.maximumTotal)
  }

  @Test("What is known of blocks is bounded, and what the process has seen counts more")
  func known() {
    let checksums = Checksums()
    let seen = BlockFingerprint(size: 10, checksum: 5)
    let noted = BlockFingerprint(size: 11, checksum: 6)
    checksums.set(3, seen)
    #expect(checksums.isWorthAsking(4))
    checksums.note([(3, noted), (4, noted), (2_000, noted)], of: 3..<1024)
    #expect(checksums.known(3) == Checksums.Known(fingerprint: seen, isCertain: true))
    #expect(checksums.known(4) == Checksums.Known(fingerprint: noted, isCertain: false))
    #expect(checksums.known(2_000) == nil)
    #expect(!checksums.isWorthAsking(5))
    #expect(checksums.isWorthAsking(2))
    #expect(checksums.isWorthAsking(1024))
    #expect(checksums.run(from: 3, count: 9, bytes: 100).count == 2)
    #expect(checksums.run(from: 3, count: 1, bytes: 100).count == 1)
    #expect(checksums.run(from: 3, count: 9, bytes: 1).count == 1)
    #expect(checksums.run(from: 5, count: 9, bytes: 100).isEmpty)
    checksums.note([], of: 5..<6)
    #expect(checksums.isWorthAsking(.max))
    for chunk in 0..<3_000 as Range<UInt64> { checksums.set(chunk << 10, seen) }
    #expect((0..<3_000).count { checksums.known($0 << 10) != nil } <= 1_300)
  }
}
