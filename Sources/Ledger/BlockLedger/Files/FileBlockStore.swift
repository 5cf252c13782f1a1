// The ledger of one channel in Fabric's block files: appending, reading, and noticing damage.

import FabricProtos
import Foundation
import Logging
import NIOCore
import Storage
import Synchronization

/// A channel's chain on disk (Fabric: `common/ledger/blkstorage`).
///
/// An append is one write of the whole record, or of those of several blocks, and one fdatasync(2);
/// only then are the blocks visible.
/// The index follows without a sync of its own, since it can be derived again. The exception is the
/// change to a new file, which the index has to know durably beforehand: Go's orderer looks for new
/// blocks only in the file that the index names.
package final class FileBlockStore: BlockStore {
  /// What only the one writer touches.
  private struct Writer {
    var file: File?
    var number: Int
    var size: Int64
    /// Blocks that are on the disk, but could not be entered into the index yet.
    var unindexed: [ChannelIndex.Entry] = []
    /// The last attempt to enter blocks into the index failed.
    var indexFailing = false
    var halted: LedgerError?
  }

  /// Entries kept for a later try while the index cannot be written. More than there are blocks in a
  /// file, behind which nothing is appended without the index: a signed block has over 1 kB.
  private static let maximumUnindexed = 100_000

  package let channelID: String
  private let files: BlockFiles
  private let index: ChannelIndex
  private let maximumFileSize: Int64
  private let appendPool: BlockingPool
  private let mark: BootMark
  private let logger: Logger
  private let chainHeight: ChainHeight
  private let reader: BlockReader
  private let writer: Mutex<Writer>
  private let lastHash: Mutex<[UInt8]>

  /// What the stores of a factory share.
  struct Environment: Sendable {
    let database: LevelDB
    let maximumFileSize: Int64
    let appendPool: BlockingPool
    let readPool: BlockingPool
    /// For what nobody waits for.
    let upkeepPool: BlockingPool
    let readMemory: ReadMemory
    let wireMemory = WireMemory()
    let budget: RecentBlocksBudget
    let logger: Logger
    let mark: BootMark
    let closing = ClosingFlag()
  }

  /// Opens the ledger in `folder`, which must exist, and repairs what can be. Blocks the thread.
  init(channelID: String, folder: String, _ environment: Environment) throws(LedgerError) {
    let files = BlockFiles(channelID: channelID, folder: folder)
    let index = ChannelIndex(database: environment.database, channelID: channelID)
    let chain = try LedgerRecovery(
      files: files, index: index, logger: environment.logger, closing: environment.closing,
      boot: environment.mark.identifier
    ).run()
    let current = try onDisk(File(files.path(chain.file), .updating))
    self.channelID = channelID
    self.files = files
    self.index = index
    maximumFileSize = environment.maximumFileSize
    appendPool = environment.appendPool
    mark = environment.mark
    logger = environment.logger
    chainHeight = ChainHeight(chain.height)
    reader = BlockReader(
      files: files, index: index, height: chainHeight, currentFile: chain.file, environment)
    writer = Mutex(Writer(file: current, number: chain.file, size: chain.size))
    lastHash = Mutex(chain.lastHash)
  }

  package var height: UInt64 { chainHeight.current }
  package var oldestBlock: UInt64 { 0 }
  package var lastBlockHash: [UInt8] { lastHash.withLock { $0 } }

  /// Waits for an append under way and lets go of the files. Blocks the thread.
  func close() {
    reader.beginClosing()
    writer.withLock { $0.file = nil }
    chainHeight.close()
    reader.close()
  }

  // MARK: - Appending

  package func append(_ block: Block) async throws(LedgerError) { try await append([block]) }

  package func append(_ blocks: [Block]) async throws(LedgerError) {
    try await appendPool.run(channelID) { () throws(LedgerError) in
      try self.writer.withLock { writer throws(LedgerError) in
        try self.append(blocks, &writer)
      }
    }
  }

  private func append(_ blocks: [Block], _ writer: inout Writer) throws(LedgerError) {
    if let halted = writer.halted { throw halted }
    if let damage = reader.damage {
      throw halt(&writer, "\(damage)")
    }
    guard writer.file != nil, !reader.isClosed else {
      throw .closed(channel: channelID)
    }
    let records = try records(of: blocks)
    var rest = records[...]
    while let first = rest.first {
      if writer.size > 0, writer.size + Int64(first.bytes.count) > maximumFileSize {
        try beginNextFile(&writer)
      }
      // As many as go into this file, whatever the size of the first.
      var end = writer.size + Int64(first.bytes.count)
      let group = rest.prefix { record in
        guard record.number != first.number else { return true }
        end += Int64(record.bytes.count)
        return end <= maximumFileSize
      }
      try commit(group, &writer)
      rest = rest[group.endIndex...]
    }
  }

  /// The records of blocks that follow the last one.
  private func records(of blocks: [Block]) throws(LedgerError) -> [BlockRecord] {
    var number = height
    var previousHash = lastBlockHash
    var records: [BlockRecord] = []
    records.reserveCapacity(blocks.count)
    for block in blocks {
      let actual = block.header.number
      guard actual == number, number < UInt64.max else {
        throw .unexpectedNumber(channel: channelID, expected: number, actual: actual)
      }
      guard block.header.previousHash == previousHash else {
        throw .unexpectedPreviousHash(
          channel: channelID, number: number, expected: previousHash,
          actual: block.header.previousHash)
      }
      let (bytes, prefix) = block.fileRecord()
      guard bytes.count - prefix <= BlockRecord.maximumSize else {
        throw .tooLarge(channel: channelID, number: number, bytes: bytes.count)
      }
      // The wire form is made from the record, so that it is the same now and when read back later.
      guard let record = try? BlockRecord(bytes, prefix..<bytes.count), record.hasValidDataHash
      else { throw .unexpectedDataHash(channel: channelID, number: number) }
      records.append(record)
      previousHash = record.headerHash
      number += 1
    }
    return records
  }

  /// Writes records behind each other, synchronizes once, and makes all of them visible.
  private func commit(
    _ group: ArraySlice<BlockRecord>, _ writer: inout Writer
  ) throws(LedgerError) {
    guard let first = group.first, let last = group.last, let file = writer.file else { return }
    if group.count == 1 {
      try write(first.bytes, to: file, &writer)
    } else {
      try write(Array(group.map(\.bytes).joined()), to: file, &writer)
    }
    var offset = writer.size
    for record in group {
      let location = BlockLocation(file: writer.number, offset: offset)
      offset += Int64(record.bytes.count)
      let fingerprint = record.fingerprint
      writer.unindexed.append(
        ChannelIndex.Entry(number: record.number, location: location, fingerprint: fingerprint))
      reader.insert(record, at: location, fingerprint)
    }
    writer.size = offset
    enterIntoIndex(&writer, last: last.number)
    let hash = last.headerHash
    lastHash.withLock { $0 = hash }
    chainHeight.advance(to: last.number + 1)
  }

  /// Makes `bytes` the durable end of the file, or leaves the file as it was.
  private func write(_ bytes: [UInt8], to file: File, _ writer: inout Writer) throws(LedgerError) {
    do { try onDisk(file.write(bytes, at: writer.size)) } catch {
      do { try onDisk(file.truncate(to: writer.size)) } catch let second {
        throw halt(&writer, "\(error); taking back what was written failed as well: \(second)")
      }
      throw error
    }
    do { try onDisk(file.synchronizeData()) } catch {
      // After a failed sync the kernel may have dropped the data and call it clean, so trying again
      // could succeed with nothing on the disk. Nobody has seen the block yet: take it back as far
      // as possible, and stop.
      try? file.truncate(to: writer.size)
      throw halt(&writer, "\(error)")
    }
  }

  private func halt(_ writer: inout Writer, _ reason: String) -> LedgerError {
    let error = LedgerError.halted(channel: channelID, reason: reason)
    writer.halted = error
    logger.critical("\(error)")
    return error
  }

  private func beginNextFile(_ writer: inout Writer) throws(LedgerError) {
    let number = writer.number + 1
    let file = try onDisk(File(files.path(number), .creating))
    // Left over from an attempt that failed further down, so empty; but never overwrite.
    guard try onDisk(file.size()) == 0 else {
      throw .corrupt(
        channel: channelID, file: file.path, offset: 0, block: height,
        reason: "the file is there already and not empty, something else writes to this folder")
    }
    do { try onDisk(Folder.synchronize(files.folder)) } catch { throw halt(&writer, "\(error)") }
    let checkpoint = ChannelIndex.Checkpoint(
      file: number, size: 0, lastBlock: height - 1, isEmpty: false)
    do {
      try index.record(writer.unindexed, checkpoint: checkpoint, synchronized: true)
    } catch { throw .index(index.database.path, error) }
    writer.unindexed = []
    writer.file = file
    writer.number = number
    writer.size = 0
    reader.setCurrentFile(number)
  }

  /// Enters what is on the disk, up to block `last`, into the index. A failure is not the blocks'.
  private func enterIntoIndex(_ writer: inout Writer, last: UInt64) {
    let checkpoint = ChannelIndex.Checkpoint(
      file: writer.number, size: writer.size, lastBlock: last, isEmpty: false)
    do {
      try index.record(writer.unindexed, checkpoint: checkpoint, synchronized: false)
      writer.unindexed.removeAll(keepingCapacity: true)
      writer.indexFailing = false
    } catch {
      mark.remove()
      if !writer.indexFailing {
        logger.error(
          "Block \(last) of channel \(channelID) is stored, but could not be entered into the index \(index.database.path), which is tried again with the next one: \(error.message)"
        )
      }
      writer.indexFailing = true
      let excess = writer.unindexed.count - Self.maximumUnindexed
      if excess > 0 { writer.unindexed.removeFirst(excess) }
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
