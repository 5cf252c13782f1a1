// The ledger of one channel in Fabric's block files: appending, reading, and noticing damage.

import FabricProtos
import Foundation
import Logging
import NIOCore
import Storage
import Synchronization

/// A channel's chain on disk (Fabric: `common/ledger/blkstorage`).
///
/// An append is one write of the record, or of the records of several blocks, and one fdatasync(2);
/// only then do the blocks become visible. The index follows without a sync of its own, since it
/// can be derived again. The exception is the change to a new file, which the index has to know
/// durably beforehand: Go's orderer looks for new blocks only in the file that the index names.
package final class FileBlockStore: BlockStore {
  /// The end of the chain on the disk.
  private struct Tail {
    var file: AppendOnlyFile
    /// Of the file.
    var number: Int
    /// Blocks that are on the disk, but could not be entered into the index yet.
    var unindexed: [ChannelIndex.Entry] = []
  }

  /// What only the one writer touches.
  private enum Writer {
    case open(Tail)
    /// It is not known what is on the disk, or the chain is damaged. Final.
    case halted(LedgerError)
    /// Final.
    case closed
  }

  /// Entries kept for a later try while the index cannot be written. More than a file has blocks,
  /// since a signed block has over 1 kB; nothing is appended beyond the end of a file without the
  /// index.
  private static let maximumUnindexed = 100_000

  package let channelID: String
  private let files: BlockFiles
  private let index: ChannelIndex
  private let maximumFileSize: Int64
  private let appendPool: BlockingPool
  private let appendMemory: SpareMemory
  private let mark: BootMark
  private let logger: Logger
  private let chainHeight: ChainHeight
  private let reader: BlockReader
  private let writer: Mutex<Writer>
  private let lastHash: Mutex<[UInt8]>

  /// What the stores of a factory share.
  struct Environment: Sendable {
    let database: LevelDB
    let signatures: any SignatureProbe
    let maximumFileSize: Int64
    let appendPool: BlockingPool
    let readPool: BlockingPool
    /// For work that nobody waits for.
    let upkeepPool: BlockingPool
    let readMemory: SpareMemory
    let appendMemory: SpareMemory
    let wireMemory = WireMemory()
    let budget: RecentBlocksBudget
    let logger: Logger
    let mark: BootMark
    let closing = ClosingFlag()
  }

  /// Opens the ledger in `folder`, which must exist, and repairs what can be repaired. Blocks the
  /// thread.
  init(channelID: String, folder: String, _ environment: Environment) throws(LedgerError) {
    let files = BlockFiles(channelID: channelID, folder: folder)
    let index = ChannelIndex(database: environment.database, channelID: channelID)
    let chain = try LedgerRecovery(
      files: files, index: index, signatures: environment.signatures,
      logger: environment.logger, closing: environment.closing, boot: environment.mark.identifier
    ).run()
    let current = try onDisk(File(files.path(chain.file), .updating))
    self.channelID = channelID
    self.files = files
    self.index = index
    maximumFileSize = environment.maximumFileSize
    appendPool = environment.appendPool
    appendMemory = environment.appendMemory
    mark = environment.mark
    logger = environment.logger
    chainHeight = ChainHeight(chain.height)
    reader = BlockReader(
      files: files, index: index, height: chainHeight, currentFile: chain.file, environment)
    writer = Mutex(
      .open(Tail(file: AppendOnlyFile(current, size: chain.size), number: chain.file)))
    lastHash = Mutex(chain.lastHash)
  }

  package var height: UInt64 { chainHeight.current }
  package var oldestBlock: UInt64 { 0 }
  package var lastBlockHash: [UInt8] { lastHash.withLock { $0 } }

  /// Waits for an append under way and lets go of the files. Blocks the thread.
  func close() {
    chainHeight.close()
    writer.withLock { $0 = .closed }
    reader.close()
  }

  /// Lets go of memory that is only there for what may be read next.
  func releaseSpareMemory() { reader.releaseSpareMemory() }

  // MARK: - Appending

  package func append(_ blocks: [SealedBlock]) async throws(LedgerError) {
    try await appendPool.run(channelID) { () throws(LedgerError) in
      try self.writer.withLock { writer throws(LedgerError) in
        switch writer {
        case .closed: throw .closed(channel: self.channelID)
        case .halted(let error): throw error
        case .open(var tail):
          // Taken out so that changing it copies nothing; the lock is held.
          writer = .closed
          do throws(LedgerError) {
            try self.append(blocks, &tail)
            writer = .open(tail)
          } catch {
            if case .halted = error { writer = .halted(error) } else { writer = .open(tail) }
            throw error
          }
        }
      }
    }
  }

  private func append(_ blocks: [SealedBlock], _ tail: inout Tail) throws(LedgerError) {
    guard !chainHeight.isClosed else { throw .closed(channel: channelID) }
    if let damage = reader.damage { throw halt("\(damage)") }
    try checkNext(blocks)
    var rest = blocks[...]
    while let first = rest.first {
      let size = tail.file.size
      if size > 0, size + Int64(first.storedSize) > maximumFileSize {
        try beginNextFile(&tail)
      }
      // As many as fit into this file, but at least the first, whatever its size.
      var end = tail.file.size
      let group = rest.prefix { block in
        end += Int64(block.storedSize)
        return block.number == first.number || end <= maximumFileSize
      }
      try commit(group, &tail)
      rest = rest[group.endIndex...]
    }
  }

  /// Checks that blocks follow the last one and each other, and can be read back.
  private func checkNext(_ blocks: [SealedBlock]) throws(LedgerError) {
    var number = height
    var previousHash = lastBlockHash
    for block in blocks {
      try block.header.checkFollows(channel: channelID, height: number, lastHash: previousHash)
      guard block.isWithinLimits else {
        throw .tooLarge(channel: channelID, number: number, bytes: block.recordSize)
      }
      previousHash = block.hash
      number += 1
    }
  }

  /// Writes records one after the other, synchronizes once, and makes all of them visible.
  private func commit(
    _ group: ArraySlice<SealedBlock>, _ tail: inout Tail
  ) throws(LedgerError) {
    guard let first = group.first, let last = group.last else { return }
    guard first.number == height else {
      throw halt("block \(first.number) was about to be written at height \(height)")
    }
    var offset = tail.file.size
    // Memory that the appends of all channels share: none is asked for while a block is written.
    var memory = appendMemory.take()
    memory.removeAll(keepingCapacity: true)
    memory.reserveCapacity(group.reduce(0) { $0 + $1.storedSize })
    let layouts = group.map { $0.layOut(in: &memory) }
    try checkLayout(layouts, of: group, in: memory)
    try write(memory, to: &tail.file)
    let wasBehind = !tail.unindexed.isEmpty
    for layout in layouts {
      let record = BlockRecord(memory, layout)
      let location = BlockLocation(file: tail.number, offset: offset)
      offset += Int64(record.storedSize)
      let fingerprint = record.fingerprint
      tail.unindexed.append(
        ChannelIndex.Entry(number: record.number, location: location, fingerprint: fingerprint))
      reader.insert(record, at: location, fingerprint)
    }
    appendMemory.give(memory)
    enterIntoIndex(&tail, last: last.number, wasBehind: wasBehind)
    lastHash.withLock { $0 = last.hash }
    chainHeight.advance(to: last.number + 1)
  }

  /// Checks that records are those of their blocks, before anything is written.
  private func checkLayout(
    _ layouts: [RecordLayout], of group: ArraySlice<SealedBlock>, in bytes: [UInt8]
  ) throws(LedgerError) {
    for (layout, block) in zip(layouts, group) {
      guard BlockRecord(bytes, layout).isLaidOut(for: block.header) else {
        throw halt("the bytes of block \(block.number) are not those of its header")
      }
    }
    guard bytes.count == layouts.reduce(0, { $0 + $1.storedSize }) else {
      throw halt("the bytes of block \(group.first?.number ?? 0) are more than those of its record")
    }
  }

  /// Makes `bytes` the durable end of the file, or leaves the file as it was, or halts the store.
  private func write(_ bytes: [UInt8], to file: inout AppendOnlyFile) throws(LedgerError) {
    do { try file.append(bytes) } catch {
      switch error {
      case .undone(let cause): throw .storage(cause)
      case .leftover(let cause, let second):
        throw halt(
          "\(LedgerError.storage(cause)); taking back what was written failed as well: "
            + "\(LedgerError.storage(second))")
      case .unsynchronized(let cause): throw halt("\(LedgerError.storage(cause))")
      case .foreign(let expected, let actual):
        let damage = LedgerError.corrupt(
          channel: channelID, file: file.path, offset: expected, block: height,
          reason: "the file has \(actual) bytes where this orderer has left \(expected), something "
            + "else writes to this folder")
        throw halt("\(damage)")
      }
    }
  }

  /// The error with which the store gives up; throwing it through ``append(_:)`` halts the store.
  private func halt(_ reason: String) -> LedgerError {
    let error = LedgerError.halted(channel: channelID, reason: reason)
    logger.critical("\(error)")
    return error
  }

  private func beginNextFile(_ tail: inout Tail) throws(LedgerError) {
    let number = tail.number + 1
    let file = try onDisk(File(files.path(number), .creating))
    // Left by an attempt that failed further down, so it should be empty; but never overwrite.
    guard try onDisk(file.size()) == 0 else {
      throw .corrupt(
        channel: channelID, file: file.path, offset: 0, block: height,
        reason: "the file is there already and not empty, something else writes to this folder")
    }
    do { try onDisk(Folder.synchronize(files.folder)) } catch { throw halt("\(error)") }
    let checkpoint = ChannelIndex.Checkpoint(file: number, size: 0, lastBlock: height - 1)
    do {
      try index.record(tail.unindexed, checkpoint: checkpoint, synchronized: true)
    } catch { throw .index(index.database.path, error) }
    tail = Tail(file: AppendOnlyFile(file, size: 0), number: number)
    reader.setCurrentFile(number)
  }

  /// Enters what is on the disk, up to block `last`, into the index. A failure here does not
  /// concern the blocks.
  ///
  /// - Parameter wasBehind: The last attempt failed, and was logged.
  private func enterIntoIndex(_ tail: inout Tail, last: UInt64, wasBehind: Bool) {
    let checkpoint = ChannelIndex.Checkpoint(
      file: tail.number, size: tail.file.size, lastBlock: last)
    do {
      try index.record(tail.unindexed, checkpoint: checkpoint, synchronized: false)
      tail.unindexed.removeAll(keepingCapacity: true)
    } catch {
      mark.remove()
      if !wasBehind {
        logger.error(
          "Block \(last) of channel \(channelID) is stored, but could not be entered into the index \(index.database.path), which is tried again with the next one: \(error.message)"
        )
      }
      let excess = tail.unindexed.count - Self.maximumUnindexed
      if excess > 0 { tail.unindexed.removeFirst(excess) }
    }
  }

  // MARK: - Reading

  package func block(_ number: UInt64) throws(LedgerError) -> Block { try reader.block(number) }

  package func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer] {
    try await reader.serializedBlocks(from: number, count: count, bytes: bytes)
  }
}
