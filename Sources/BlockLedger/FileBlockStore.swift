// The ledger of one channel in Fabric's block files: appending, reading, and noticing damage.

import FabricProtos
import Foundation
import Logging
import NIOCore
import Synchronization

/// A channel's chain on disk (Fabric: `common/ledger/blkstorage`).
///
/// An append is one write of the whole record and one fdatasync(2); only then is the block visible.
/// The index follows without a sync of its own, since it can be derived again. The exception is the
/// change to a new file, which the index has to know durably beforehand: Go's orderer looks for new
/// blocks only in the file that the index names.
public final class FileBlockStore: BlockStore {
  /// What only the one writer touches.
  private struct Writer {
    var file: File?
    var number: Int
    var size: Int64
    /// Blocks that are on the disk, but could not be entered into the index yet.
    var unindexed: [ChannelIndex.Entry] = []
    var halted: LedgerError?
  }

  /// Entries kept for a later try while the index cannot be written. What is dropped is found by
  /// walking over the files, and entered when the ledger is opened next.
  private static let maximumUnindexed = 100_000
  /// Known damaged blocks that are not looked at again.
  private static let maximumDamaged = 64
  /// Bytes that are read in one go when the length of a block is not known.
  private static let readWindow = 32 << 10

  public let channelID: String
  private let files: BlockFiles
  private let index: ChannelIndex
  private let maximumFileSize: Int64
  private let appendPool: BlockingPool
  private let readPool: BlockingPool
  private let logger: Logger
  private let signal: HeightSignal
  private let recent: RecentBlocks
  private let writer: Mutex<Writer>
  private let lastHash: Mutex<[UInt8]>
  private let currentFile: Atomic<Int>
  private let closed = Atomic<Bool>(false)
  private let damaged = Mutex<[UInt64: LedgerError]>([:])

  /// What the stores of a factory share.
  struct Environment: Sendable {
    let database: LevelDB
    let maximumFileSize: Int64
    let appendPool: BlockingPool
    let readPool: BlockingPool
    let budget: RecentBlocksBudget
    let logger: Logger
  }

  /// Opens the ledger in `folder`, which must exist, and repairs what can be. Blocks the thread.
  init(channelID: String, folder: String, _ environment: Environment) throws(LedgerError) {
    let files = BlockFiles(channelID: channelID, folder: folder)
    let index = ChannelIndex(database: environment.database, channelID: channelID)
    let chain = try LedgerRecovery(files: files, index: index, logger: environment.logger).run()
    let current = try File(files.path(chain.file), flags: O_RDWR)
    self.channelID = channelID
    self.files = files
    self.index = index
    maximumFileSize = environment.maximumFileSize
    appendPool = environment.appendPool
    readPool = environment.readPool
    logger = environment.logger
    signal = HeightSignal(channelID: channelID, height: chain.height)
    recent = RecentBlocks(budget: environment.budget)
    writer = Mutex(Writer(file: current, number: chain.file, size: chain.size))
    lastHash = Mutex(chain.lastHash)
    currentFile = Atomic(chain.file)
  }

  public var height: UInt64 { signal.height }
  public var oldestBlock: UInt64 { 0 }
  public var lastBlockHash: [UInt8] { lastHash.withLock { $0 } }

  /// Why the store takes no more blocks, if it gave up.
  public var haltReason: LedgerError? { writer.withLock { $0.halted } }

  public func waitForBlock(_ number: UInt64) async throws(LedgerError) {
    try await signal.wait(for: number)
  }

  /// Waits for an append under way and lets go of the files. Blocks the thread.
  func close() {
    closed.store(true, ordering: .releasing)
    writer.withLock { $0.file = nil }
    signal.close()
    files.closeAll()
    recent.removeAll()
  }

  // MARK: - Appending

  public func append(_ block: Block) async throws(LedgerError) {
    try await appendPool.run(channelID) { () throws(LedgerError) in
      try self.writer.withLock { writer throws(LedgerError) in
        try self.append(block, &writer)
      }
    }
  }

  private func append(_ block: Block, _ writer: inout Writer) throws(LedgerError) {
    if let halted = writer.halted { throw halted }
    guard let current = writer.file, !closed.load(ordering: .acquiring) else {
      throw .closed(channel: channelID)
    }
    let number = block.header.number
    guard number == height, number < UInt64.max else {
      throw .unexpectedNumber(channel: channelID, expected: height, actual: number)
    }
    let expectedHash = lastBlockHash
    guard block.header.previousHash == expectedHash else {
      throw .unexpectedPreviousHash(
        channel: channelID, number: number, expected: expectedHash,
        actual: block.header.previousHash)
    }
    let (bytes, prefix) = block.fileRecord()
    guard bytes.count - prefix <= BlockRecord.maximumSize else {
      throw .tooLarge(channel: channelID, number: number, bytes: bytes.count)
    }
    // The wire form is made from the record, so that it is the same now and when read back later.
    guard let record = try? BlockRecord(bytes, prefix..<bytes.count), record.hasValidDataHash
    else { throw .unexpectedDataHash(channel: channelID, number: number) }

    var file = current
    if writer.size > 0, writer.size + Int64(bytes.count) > maximumFileSize {
      file = try beginNextFile(&writer)
    }
    try write(bytes, to: file, &writer)

    let location = BlockLocation(file: writer.number, offset: writer.size)
    writer.size += Int64(bytes.count)
    enter(ChannelIndex.Entry(number: number, location: location), &writer)
    recent.insert(
      number, record.wireForm(), RecentBlocks.Hint(location: location, length: bytes.count))
    let hash = record.headerHash
    lastHash.withLock { $0 = hash }
    signal.advance(to: number + 1)
  }

  /// Makes `bytes` the durable end of the file, or leaves the file as it was.
  private func write(_ bytes: [UInt8], to file: File, _ writer: inout Writer) throws(LedgerError) {
    do { try file.write(bytes, at: writer.size) } catch {
      do { try file.truncate(to: writer.size) } catch let second {
        throw halt(&writer, "\(error); taking back what was written failed as well: \(second)")
      }
      throw error
    }
    do { try file.synchronizeData() } catch {
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

  private func beginNextFile(_ writer: inout Writer) throws(LedgerError) -> File {
    let number = writer.number + 1
    let file = try File(files.path(number), flags: O_RDWR | O_CREAT)
    // Left over from an attempt that failed further down, so empty; but never overwrite.
    guard try file.size() == 0 else {
      throw .corrupt(
        channel: channelID, file: file.path, offset: 0, block: height,
        reason: "the file is there already and not empty, something else writes to this folder")
    }
    try Folder.synchronize(files.folder)
    let checkpoint = ChannelIndex.Checkpoint(
      file: number, size: 0, lastBlock: height - 1, isEmpty: false)
    do {
      try index.record(writer.unindexed, checkpoint: checkpoint, synchronized: true)
    } catch { throw .index(index.database.path, error) }
    writer.unindexed = []
    writer.file = file
    writer.number = number
    writer.size = 0
    currentFile.store(number, ordering: .releasing)
    return file
  }

  /// Enters a block into the index. A failure is not the block's: it is on the disk.
  private func enter(_ entry: ChannelIndex.Entry, _ writer: inout Writer) {
    writer.unindexed.append(entry)
    let checkpoint = ChannelIndex.Checkpoint(
      file: writer.number, size: writer.size, lastBlock: entry.number, isEmpty: false)
    do {
      try index.record(writer.unindexed, checkpoint: checkpoint, synchronized: false)
      writer.unindexed.removeAll(keepingCapacity: true)
    } catch {
      if writer.unindexed.count == 1 {
        logger.error(
          "Block \(entry.number) of channel \(channelID) is stored, but could not be entered into the index \(index.database.path): \(error.message)"
        )
      }
      if writer.unindexed.count > Self.maximumUnindexed { writer.unindexed.removeFirst() }
    }
  }

  // MARK: - Reading

  public func block(_ number: UInt64) throws(LedgerError) -> Block {
    try record(number).block
  }

  public func serializedBlock(_ number: UInt64) throws(LedgerError) -> ByteBuffer {
    try readWireForm(number)
  }

  public func serializedBlock(_ number: UInt64) async throws(LedgerError) -> ByteBuffer {
    if let wire = recent.wireForm(number) { return wire }
    try checkAvailable(number)
    return try await readPool.run(channelID) { () throws(LedgerError) in
      try self.readWireForm(number)
    }
  }

  private func readWireForm(_ number: UInt64) throws(LedgerError) -> ByteBuffer {
    if let wire = recent.wireForm(number) { return wire }
    return try record(number).wireForm()
  }

  private func checkAvailable(_ number: UInt64) throws(LedgerError) {
    guard !closed.load(ordering: .acquiring) else { throw .closed(channel: channelID) }
    guard number < height else {
      throw .notFound(channel: channelID, number: number, height: height)
    }
  }

  /// Reads a block from its file and checks that it is the one, with the data that its header names.
  private func record(_ number: UInt64) throws(LedgerError) -> BlockRecord {
    try checkAvailable(number)
    if let known = damaged.withLock({ $0[number] }) { throw known }
    var tried: BlockLocation?
    var failure: LedgerError?
    if let hint = recent.hint(number) {
      tried = hint.location
      switch try attempt(number, at: hint.location, length: hint.length) {
      case .success(let record): return record
      case .failure(let error): failure = error
      }
    }
    if let location = indexedLocation(number), location != tried {
      tried = location
      switch try attempt(number, at: location, length: 0) {
      case .success(let record): return record
      case .failure(let error): failure = error
      }
    }
    return try recover(number, tried: tried, failure)
  }

  private func indexedLocation(_ number: UInt64) -> BlockLocation? {
    do { return try index.location(number) } catch {
      logger.warning(
        "The index \(index.database.path) failed, looking for block \(number) of channel \(channelID) in its files: \(error.message)"
      )
      return nil
    }
  }

  /// The index did not lead to the block. It is only an index: look through the files.
  private func recover(
    _ number: UInt64, tried: BlockLocation?, _ failure: LedgerError?
  ) throws(LedgerError) -> BlockRecord {
    var failure = failure
    do {
      let location = try files.search(
        number, files: currentFile.load(ordering: .acquiring) + 1)
      if location != tried {
        switch try attempt(number, at: location, length: 0) {
        case .success(let record):
          logger.warning(
            "The index had no valid place of block \(number) of channel \(channelID), corrected it")
          try? index.correct(ChannelIndex.Entry(number: number, location: location))
          return record
        case .failure(let error): failure = failure ?? error
        }
      }
    } catch {
      // Only damage is remembered: what a disk does not answer now, it may answer later.
      guard case .corrupt = error else { throw error }
      failure = failure ?? error
    }
    let error =
      failure
      ?? .corrupt(
        channel: channelID, file: files.folder, offset: 0, block: number,
        reason: "the block is in none of the files")
    damaged.withLock { damaged in
      if damaged.count < Self.maximumDamaged { damaged[number] = error }
    }
    logger.error("\(error)")
    throw error
  }

  /// Reads what is at `location`.
  ///
  /// - Throws: only what has nothing to do with the location being wrong.
  private func attempt(
    _ number: UInt64, at location: BlockLocation, length: Int
  ) throws(LedgerError) -> Result<BlockRecord, LedgerError> {
    func damage(_ path: String, _ reason: String) -> LedgerError {
      .corrupt(
        channel: channelID, file: path, offset: location.offset, block: number, reason: reason)
    }
    guard location.file <= currentFile.load(ordering: .acquiring) else {
      return .failure(damage(files.path(location.file), "there is no such file"))
    }
    let file = try files.file(location.file)
    let size = try file.size()
    var reader = RecordReader(
      file: file, size: size, window: length > 0 ? length : Self.readWindow)
    switch try reader.read(at: location.offset) {
    case .cutOff:
      return .failure(damage(file.path, "the file of \(size) bytes ends before the block does"))
    case .malformed(let reason, _):
      return .failure(damage(file.path, "the block is not readable: \(reason)"))
    case .record(let record, let end):
      guard record.number == number else {
        return .failure(damage(file.path, "there is block \(record.number) instead"))
      }
      guard record.hasValidDataHash else {
        return .failure(damage(file.path, "the block's data does not match its data hash"))
      }
      // Who reads one block is likely to read the next.
      recent.remember(
        number &+ 1,
        RecentBlocks.Hint(
          location: end < size
            ? BlockLocation(file: location.file, offset: end)
            : BlockLocation(file: location.file + 1, offset: 0), length: 0))
      return .success(record)
    }
  }
}
