// Ledgers of one readable JSON file per block, which Fabric 1.x offers for development.

import FabricCrypto
import FabricProtos
import Foundation
import Logging
import NIOCore
import Storage
import Synchronization

/// One channel's blocks as `block_%020d.json` (Fabric 1.4: `common/ledger/blockledger/json`).
package final class JSONBlockStore: BlockStore {
  package let channelID: String
  private let chain: JSONChain
  private let pool: BlockingPool
  private let chainHeight: ChainHeight
  /// Hash of the last header. Held while a block is written.
  private let lastHash: Mutex<[UInt8]>

  /// Opens the ledger in `folder`, which must exist. Blocks the thread.
  ///
  /// Go's orderer leaves an unreadable last file if it dies while writing it. That file is renamed,
  /// so that it can still be looked at.
  init(
    channelID: String, folder: String, pool: BlockingPool, logger: Logger
  ) throws(LedgerError) {
    let chain = JSONChain(channelID: channelID, folder: folder)
    self.channelID = channelID
    self.chain = chain
    self.pool = pool
    var height: UInt64 = 0
    for name in try onDisk(Folder.names(folder, kind: .file)) {
      guard let number = JSONChain.number(of: name) else { continue }
      guard number == height, height < UInt64.max else {
        throw .corrupt(
          channel: channelID, file: chain.path(height), offset: 0, block: height,
          reason: "the file is missing, but there is \(name)")
      }
      height += 1
    }
    var hash: [UInt8] = []
    if height > 0 {
      do {
        let last = try chain.block(height - 1)
        hash = SHA256Digest.hash(last.header.derBytes())
      } catch {
        guard case .corrupt = error else { throw error }
        let path = chain.path(height - 1)
        logger.warning("Moving the last block of channel \(channelID) out of the way: \(error)")
        try onDisk(Folder.move(path, to: "\(folder)/damaged_\(height - 1).json"))
        height -= 1
        if height > 0 {
          let last = try chain.block(height - 1)
          hash = SHA256Digest.hash(last.header.derBytes())
        }
      }
    }
    chainHeight = ChainHeight(height)
    lastHash = Mutex(hash)
  }

  package var height: UInt64 { chainHeight.current }
  package var oldestBlock: UInt64 { 0 }
  package var lastBlockHash: [UInt8] { lastHash.withLock { $0 } }

  package func append(_ blocks: [SealedBlock]) async throws(LedgerError) {
    for block in blocks {
      try await pool.run(channelID) { () throws(LedgerError) in
        try self.lastHash.withLock { lastHash throws(LedgerError) in
          guard !self.chainHeight.isClosed else { throw .closed(channel: self.channelID) }
          try block.header.checkFollows(
            channel: self.channelID, height: self.height, lastHash: lastHash)
          try self.write(block.block)
          lastHash = block.hash
          self.chainHeight.advance(to: block.number + 1)
        }
      }
    }
  }

  private func write(_ block: Block) throws(LedgerError) {
    let path = chain.path(block.header.number)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
    guard let content = try? encoder.encode(JSONBlock(block)) else {
      throw .storage(.io(path: path, operation: "encode", code: EINVAL))
    }
    // Does not have a block's name until all of it is on the disk.
    try onDisk(
      DurableFile.replace(path, with: Array(content), through: "\(chain.folder)/writing.tmp"))
  }

  package func block(_ number: UInt64) throws(LedgerError) -> Block {
    guard !chainHeight.isClosed else { throw .closed(channel: channelID) }
    guard number < height else {
      throw .notFound(channel: channelID, number: number, height: height)
    }
    return try chain.block(number)
  }

  package func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer] {
    try await pool.run(channelID) { () throws(LedgerError) in
      var forms = [ByteBuffer(bytes: try self.block(number).serialized())]
      var left = bytes - forms[0].readableBytes
      while forms.count < count, left > 0,
        let next = try? self.block(number + UInt64(forms.count))
      {
        forms.append(ByteBuffer(bytes: next.serialized()))
        left -= forms[forms.count - 1].readableBytes
      }
      return forms
    }
  }

  func close() { chainHeight.close() }
}

/// JSON ledgers (`General.LedgerType: json`): a folder `chain_<channel>` per channel.
package final class JSONLedgerFactory: LedgerFactory {
  private let directory: String
  private let logger: Logger
  private let pool = BlockingPool(threads: 2)
  private let stores = Mutex(OpenStores<JSONBlockStore>.open([:]))
  /// Keeps others out of the folder until it is closed.
  private let lock: Mutex<File?>

  /// Opens the folder, creating it if there is none.
  ///
  /// - Throws: ``LedgerError/locked(path:)`` if another process has the folder open.
  package init(directory: String, logger: Logger) throws(LedgerError) {
    self.directory = directory
    self.logger = logger
    try onDisk(Folder.create(directory, mode: 0o700))
    let folder = try onDisk(File(directory, .folder))
    guard try onDisk(folder.lock()) else { throw .locked(path: directory) }
    lock = Mutex(folder)
  }

  package func channelIDs() throws(LedgerError) -> [String] {
    try JSONChain.channelIDs(in: directory)
  }

  package func openOrCreate(_ channelID: String) async throws(LedgerError) -> any BlockStore {
    guard isUsableChannelName(channelID) else { throw .invalidChannelName(channelID) }
    return try await pool.run(channelID) { () throws(LedgerError) in
      try self.stores.withLock { stores throws(LedgerError) in
        try stores.store(of: channelID) { () throws(LedgerError) in
          let folder = JSONChain.folder(of: channelID, in: self.directory)
          try onDisk(Folder.create(folder, mode: 0o700))
          return try JSONBlockStore(
            channelID: channelID, folder: folder, pool: self.pool, logger: self.logger)
        }
      }
    }
  }

  package func remove(
    _ channelID: String, rest: @Sendable () async throws -> Void
  ) async throws {
    guard isUsableChannelName(channelID) else { throw LedgerError.invalidChannelName(channelID) }
    try await pool.run(channelID) { () throws(LedgerError) in
      try self.stores.withLock { stores throws(LedgerError) in
        stores.remove(channelID)?.close()
        try onDisk(Folder.remove(JSONChain.folder(of: channelID, in: self.directory)))
      }
    }
    try await rest()
  }

  package func close() async {
    for store in stores.withLock({ $0.close() }) { store.close() }
    await pool.shutDown()
    lock.withLock { $0 = nil }
  }
}
