// Damage to blocks that were safe once is reported, never repaired away.

import Foundation
import TestSupport
import Testing

@testable import BlockLedger

@Suite(.heavy) struct DamageTests {
  private func makeLedger(_ folder: String) async throws -> (file: String, ends: [Int]) {
    try await withLedgers(folder) { factory in
      let store = try await factory.openOrCreate("one")
      let file = "\(folder)/chains/one/blockfile_000000"
      var ends = [0]
      for _ in 0..<6 {
        try await appendBlocks(1, to: store, bytes: 80)
        ends.append(try fileSize(file))
      }
      return (file, ends)
    }
  }

  @Test("A flipped bit in a stored block is found when it is read", arguments: 0..<8)
  func foundOnRead(bit: Int) async throws {
    let folder = try TemporaryFolder()
    let (file, ends) = try await makeLedger(folder.path)
    let block = 2
    // Length, number, data hash, data. (Of the previous hash and the metadata no hash is at hand.)
    for part in [0, 2, 4, 30, 75, 150] {
      try changeByte(file, at: ends[block] + part, by: 1 << UInt8(bit))
      try await withLedgers(folder.path) { factory in
        let store = try await factory.openOrCreate("one")
        #expect(store.height == 6)
        do {
          _ = try await store.serializedBlock(2)
          Issue.record("the damage at \(part) was not noticed")
        } catch LedgerError.corrupt(let channel, let name, let offset, let number, _) {
          #expect(channel == "one")
          #expect(name == file)
          #expect(offset == Int64(ends[block]))
          #expect(number == 2)
        }
        // The others are as good as before.
        for number in [0, 1, 3, 4, 5] as [UInt64] { _ = try await store.serializedBlock(number) }
      }
      try changeByte(file, at: ends[block] + part, by: 1 << UInt8(bit))
    }
  }

  @Test(
    "Damage that a scan meets is refused at any byte of any block",
    arguments: [true, false])
  func foundOnScan(lastBlock: Bool) async throws {
    let folder = try TemporaryFolder()
    let (file, ends) = try await makeLedger(folder.path)
    let block = lastBlock ? 5 : 2
    let good = try #require(FileManager.default.contents(atPath: file))
    let size = ends[block + 1] - ends[block]
    // The last block's header cannot be told from garbage, and its metadata has no hash.
    let parts = lastBlock ? Array(stride(from: 71, to: size - 14, by: 3)) + [0, 1] : [Int](0..<70)
    for part in parts {
      try good.write(to: URL(fileURLWithPath: file))
      try changeByte(file, at: ends[block] + part, by: 0x40)
      try FileManager.default.removeItem(atPath: "\(folder.path)/index")
      try await withLedgers(folder.path) { factory in
        do {
          let store = try await factory.openOrCreate("one")
          Issue.record("the damage at \(part) was not noticed, height \(store.height)")
        } catch LedgerError.corrupt(_, let name, let offset, let number, _) {
          #expect(name == file)
          // A wrong previous hash shows only in the chain.
          #expect(offset == Int64(ends[block]))
          #expect(number == UInt64(block))
        }
      }
      #expect(try fileSize(file) == ends[6])
    }
  }

  @Test("A missing file in the middle, the newest one missing, or all of them, is refused")
  func missingFiles() async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.maximumFileSize = 2000
    try await withLedgers(folder.path, options: options) { factory in
      try await appendBlocks(20, to: try await factory.openOrCreate("one"))
    }
    let chain = "\(folder.path)/chains/one"
    try FileManager.default.moveItem(
      atPath: "\(chain)/blockfile_000001", toPath: "\(folder.path)/away")
    try await withLedgers(folder.path, options: options) { factory in
      await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
    }
    try FileManager.default.moveItem(
      atPath: "\(folder.path)/away", toPath: "\(chain)/blockfile_000001")
    try await withLedgers(folder.path, options: options) { factory in
      let height = try await factory.openOrCreate("one").height
      #expect(height == 20)
    }
    let newest = try #require(try FileManager.default.contentsOfDirectory(atPath: chain).max())
    try FileManager.default.moveItem(
      atPath: "\(chain)/\(newest)", toPath: "\(folder.path)/newest")
    try await withLedgers(folder.path, options: options) { factory in
      await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: chain) {
      try FileManager.default.removeItem(atPath: "\(chain)/\(name)")
    }
    try await withLedgers(folder.path, options: options) { factory in
      await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
      // One channel's trouble stays there.
      try await appendBlocks(1, to: try await factory.openOrCreate("two"))
    }
  }

  @Test("A file cut in the middle of the chain is refused")
  func cutMiddleFile() async throws {
    let folder = try TemporaryFolder()
    var options = FileLedgerFactory.Options()
    options.maximumFileSize = 2000
    try await withLedgers(folder.path, options: options) { factory in
      try await appendBlocks(20, to: try await factory.openOrCreate("one"))
    }
    let file = "\(folder.path)/chains/one/blockfile_000001"
    try truncateFile(file, to: try fileSize(file) - 5)
    // With the index only the reader of the block notices.
    try await withLedgers(folder.path, options: options) { factory in
      let store = try await factory.openOrCreate("one")
      #expect(store.height == 20)
      var failures = 0
      for number in 0..<20 as Range<UInt64> {
        do { _ = try store.block(number) } catch { failures += 1 }
      }
      #expect(failures == 1)
    }
    try FileManager.default.removeItem(atPath: "\(folder.path)/index")
    try await withLedgers(folder.path, options: options) { factory in
      await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
    }
  }
}
