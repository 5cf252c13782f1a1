// Headers and metadata alone, which is what BFT's peers ask most orderers for.

import FabricProtos
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct BlocksWithoutDataTests {
  /// Fabric's rule: a block of one message that is a configuration or creates a channel.
  private static func isConfig(_ entry: [UInt8]) -> Bool {
    guard let envelope = try? EnvelopeView(entry) else { return false }
    return [Common_HeaderType.config, .ordererTransaction].map { Int32($0.rawValue) }
      .contains(envelope.headerType)
  }

  /// What a block has to be on the wire, made the long way: decoded, changed, encoded.
  private static func expected(_ block: Block) -> [UInt8] {
    var block = block
    if !(block.data.count == 1 && isConfig(block.data[0])) { block.data = [] }
    return block.serialized()
  }

  private func read(_ store: any BlockStore, count: Int) async throws -> [[UInt8]] {
    var all: [[UInt8]] = []
    while all.count < store.height {
      let piece = try await store.blocksWithoutData(
        from: UInt64(all.count), count: count, bytes: 1 << 20, unless: Self.isConfig)
      try #require(!piece.isEmpty)
      all += piece.map { Array($0.readableBytesView) }
    }
    return all
  }

  private func expected(_ store: any BlockStore) throws -> [[UInt8]] {
    try (0..<store.height).map { Self.expected(try store.block($0)) }
  }

  @Test(
    "Every kind of ledger serves them byte for byte, alone or many at a time",
    arguments: RecordedLedger.all)
  func recorded(recorded: RecordedLedger) async throws {
    let (target, copy) = (try TemporaryFolder(), try TemporaryFolder())
    let ram = RAMLedgerFactory(historySize: 1_000)
    let json = try JSONLedgerFactory(directory: copy.path, logger: silent)
    let folder = try recorded.extract(into: target)
    var (whole, stripped) = (0, 0)
    try await withLedgers(folder) { factory in
      for channel in try factory.channelIDs() {
        let store = try await factory.openOrCreate(channel)
        // From the disk first, then from memory.
        let served = try await read(store, count: 100)
        let wanted = try expected(store)
        #expect(served == wanted)
        #expect(try await read(store, count: 1) == wanted)
        let others: [any BlockStore] = [
          try await ram.openOrCreate(channel), try await json.openOrCreate(channel),
        ]
        for other in others {
          for number in 0..<store.height { try await other.append(store.block(number)) }
          #expect(try await read(other, count: 1) == wanted)
          #expect(try await read(other, count: 7) == wanted)
        }
        for (number, bytes) in wanted.enumerated() {
          let isWhole = try Block(serialized: bytes) == store.block(UInt64(number))
          if isWhole { whole += 1 } else { stripped += 1 }
        }
      }
    }
    // The recordings have both kinds.
    #expect(whole > 0)
    #expect(stripped > 0)
    await ram.close()
    await json.close()
  }

  @Test("A block that was just written is served from memory")
  func newest() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      for (entries, bytes) in [(0, 0), (1, 0), (1, 300), (2, 300), (3, 100_000)] {
        try await appendBlocks(1, to: store, entries: entries, bytes: bytes)
      }
      #expect(try await read(store, count: 100) == expected(store))
      let whole = try await store.blocksWithoutData(from: 2, count: 1, bytes: 1) { _ in true }
      #expect(whole.map { Array($0.readableBytesView) } == [try store.block(2).serialized()])
    }
  }

  @Test("A block that is damaged or not there is told")
  func errors() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { try await appendBlocks(5, to: $0.openOrCreate("one")) }
    try changeByte("\(folder.path)/chains/one/blockfile_000000", at: 300)
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      await #expect(throws: LedgerError.notFound(channel: "one", number: 5, height: 5)) {
        _ = try await store.blocksWithoutData(from: 5, count: 1, bytes: 1) { _ in true }
      }
      await #expect(throws: LedgerError.self) { _ = try await read(store, count: 1) }
    }
  }
}
