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
  private enum State {
    case open([String: RAMBlockStore])
    /// Takes no more calls. Final.
    case closed

    var stores: [String: RAMBlockStore] {
      if case .open(let stores) = self { stores } else { [:] }
    }
  }

  private let historySize: Int
  private let state = Mutex(State.open([:]))

  /// - Parameter historySize: blocks that each channel keeps, 1 at least (`RAMLedger.HistorySize`).
  package init(historySize: Int) { self.historySize = historySize }

  package func channelIDs() throws(LedgerError) -> [String] {
    state.withLock { $0.stores.keys.sorted() }
  }

  package func openOrCreate(_ channelID: String) async throws(LedgerError) -> any BlockStore {
    guard isUsableChannelName(channelID) else { throw .invalidChannelName(channelID) }
    return try state.withLock { state throws(LedgerError) in
      guard case .open(var stores) = state else { throw .closed(channel: channelID) }
      if let store = stores[channelID] { return store }
      let store = RAMBlockStore(channelID: channelID, historySize: historySize)
      stores[channelID] = store
      state = .open(stores)
      return store
    }
  }

  package func remove(
    _ channelID: String, rest: @Sendable () async throws -> Void
  ) async throws {
    let store = state.withLock { state -> RAMBlockStore? in
      guard case .open(var stores) = state else { return nil }
      defer { state = .open(stores) }
      return stores.removeValue(forKey: channelID)
    }
    store?.close()
    try await rest()
  }

  package func close() async {
    let stores = state.withLock { state in
      defer { state = .closed }
      return Array(state.stores.values)
    }
    for store in stores { store.close() }
  }
}
