// Ledgers that live in memory and forget their oldest blocks, for tests and trials.

import FabricProtos
import NIOCore
import Synchronization

/// The last blocks of one channel (Fabric 1.4: `common/ledger/blockledger/ram`).
package final class RAMBlockStore: BlockStore {
  private struct State {
    var blocks: [UInt64: ByteBuffer] = [:]
    var oldest: UInt64 = 0
    var lastHash: [UInt8] = []
  }

  package let channelID: String
  private let historySize: Int
  private let chainHeight = ChainHeight()
  private let state = Mutex(State())

  init(channelID: String, historySize: Int) {
    self.channelID = channelID
    self.historySize = max(1, historySize)
  }

  package var height: UInt64 { chainHeight.current }
  package var oldestBlock: UInt64 { state.withLock { $0.oldest } }
  package var lastBlockHash: [UInt8] { state.withLock { $0.lastHash } }

  package func append(_ blocks: [SealedBlock]) async throws(LedgerError) {
    for block in blocks {
      let wire = block.record.wireForm()
      try state.withLock { state throws(LedgerError) in
        guard !chainHeight.isClosed else { throw .closed(channel: channelID) }
        try block.header.checkFollows(channel: channelID, height: height, lastHash: state.lastHash)
        state.blocks[block.number] = wire
        state.lastHash = block.hash
        while state.blocks.count > historySize {
          state.blocks[state.oldest] = nil
          state.oldest += 1
        }
        chainHeight.advance(to: block.number + 1)
      }
    }
  }

  package func block(_ number: UInt64) throws(LedgerError) -> Block {
    let wire = try read(number)
    do { return try Block(serialized: Array(wire.readableBytesView)) } catch {
      throw .corrupt(
        channel: channelID, file: "in memory", offset: 0, block: number, reason: "\(error)")
    }
  }

  /// One block at a time: there is no disk to spare.
  package func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer] {
    [try read(number)]
  }

  private func read(_ number: UInt64) throws(LedgerError) -> ByteBuffer {
    guard !chainHeight.isClosed else { throw .closed(channel: channelID) }
    guard let wire = state.withLock({ $0.blocks[number] }) else {
      throw .notFound(channel: channelID, number: number, height: height)
    }
    return wire
  }

  func close() { chainHeight.close() }
}

/// Ledgers in memory (`General.LedgerType: ram`).
package final class RAMLedgerFactory: LedgerFactory {
  private let historySize: Int
  private let stores = Mutex(OpenStores<RAMBlockStore>.open([:]))

  /// - Parameter historySize: blocks that each channel keeps, 1 at least (`RAMLedger.HistorySize`).
  package init(historySize: Int) { self.historySize = historySize }

  package func channelIDs() throws(LedgerError) -> [String] {
    stores.withLock { $0.stores.keys.sorted() }
  }

  package func openOrCreate(_ channelID: String) async throws(LedgerError) -> any BlockStore {
    guard isUsableChannelName(channelID) else { throw .invalidChannelName(channelID) }
    return try stores.withLock { stores throws(LedgerError) in
      try stores.store(of: channelID) { () throws(LedgerError) in
        RAMBlockStore(channelID: channelID, historySize: historySize)
      }
    }
  }

  package func remove(
    _ channelID: String, rest: @Sendable () async throws -> Void
  ) async throws {
    stores.withLock { $0.remove(channelID) }?.close()
    try await rest()
  }

  package func close() async {
    for store in stores.withLock({ $0.close() }) { store.close() }
  }
}
