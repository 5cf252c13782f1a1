// Fingerprints are brought into the index beside everything else.

import Foundation
import Storage
import Synchronization
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct FingerprintKeeperTests {
  private func withKeeper(
    _ body: (FingerprintKeeper, ChannelIndex, BlockingPool) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    let database = try LevelDB(path: folder.path)
    let index = ChannelIndex(database: database, channelID: "one")
    let pool = BlockingPool(threads: 1)
    try await body(FingerprintKeeper(index: index, pool: pool, logger: silent), index, pool)
    await pool.shutDown()
    database.close()
  }

  /// How many are in the index.
  private func count(_ index: ChannelIndex) -> Int? {
    try? index.fingerprints(0..<20_000).count
  }

  private let some = BlockFingerprint(size: 1, checksum: 2)

  @Test("Closing writes what waits, and nothing is written afterwards")
  func closing() async throws {
    try await withKeeper { keeper, index, _ in
      for number in 0..<5 as Range<UInt64> { keeper.keep(number, some) }
      #expect(count(index) == 0)
      keeper.close()
      #expect(count(index) == 5)
      for number in 5..<500 as Range<UInt64> { keeper.keep(number, some) }
      keeper.close()
      #expect(count(index) == 5)
    }
  }

  @Test("A full batch is written by itself")
  func batch() async throws {
    try await withKeeper { keeper, index, pool in
      for number in 0..<UInt64(FingerprintKeeper.batchSize) { keeper.keep(number, some) }
      // Its one thread has written them before it comes to this.
      try await pool.run("one") {}
      #expect(count(index) == FingerprintKeeper.batchSize)
    }
  }

  @Test("While nothing can be written, readers go on and the rest is dropped")
  func bounded() async throws {
    try await withKeeper { keeper, index, pool in
      let gate = DispatchSemaphore(value: 0)
      pool.submit { gate.wait() }
      for number in 0..<10_000 as Range<UInt64> { keeper.keep(number, some) }
      gate.signal()
      keeper.close()
      #expect(
        count(index) == FingerprintKeeper.maximumWaiting)
    }
  }

  @Test("A database that is closed under it does no harm")
  func closedDatabase() async throws {
    try await withKeeper { keeper, index, _ in
      index.database.close()
      for number in 0..<200 as Range<UInt64> { keeper.keep(number, some) }
      keeper.close()
    }
  }
}
