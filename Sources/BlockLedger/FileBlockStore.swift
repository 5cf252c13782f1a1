// The ledger of one channel in Fabric's block files: appending, reading, and noticing damage.

import FabricProtos
import Foundation
import Logging
import NIOCore
import Synchronization

/// A channel's chain on disk (Fabric: `common/ledger/blkstorage`).
///
/// An append is one write of the whole record, or of those of several blocks, and one fdatasync(2);
/// only then are the blocks visible.
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
    /// The last attempt to enter blocks into the index failed.
    var indexFailing = false
    var halted: LedgerError?
  }

  /// Entries kept for a later try while the index cannot be written. What is dropped is found by
  /// walking over the files, and entered when the ledger is opened next.
  private static let maximumUnindexed = 100_000
  /// Known damaged blocks that are not looked at again.
  private static let maximumDamaged = 64
  /// Bytes that are read in one go when the length of a block is not known.
  private static let readWindow = 32 << 10
  /// The same for reads of several blocks.
  private static let maximumWindow = 256 << 10

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
  /// The first damage that was found. Nothing is appended behind it.
  private let damage = Mutex<LedgerError?>(nil)
  private let checksums = Checksums()
  private let readMemory: ReadMemory

  /// What the stores of a factory share.
  struct Environment: Sendable {
    let database: LevelDB
    let maximumFileSize: Int64
    let appendPool: BlockingPool
    let readPool: BlockingPool
    let readMemory: ReadMemory
    let budget: RecentBlocksBudget
    let logger: Logger
    let closing = ClosingFlag()
  }

  /// Opens the ledger in `folder`, which must exist, and repairs what can be. Blocks the thread.
  init(channelID: String, folder: String, _ environment: Environment) throws(LedgerError) {
    let files = BlockFiles(channelID: channelID, folder: folder)
    let index = ChannelIndex(database: environment.database, channelID: channelID)
    let chain = try LedgerRecovery(
      files: files, index: index, logger: environment.logger, closing: environment.closing
    ).run()
    let current = try File(files.path(chain.file), flags: O_RDWR)
    self.channelID = channelID
    self.files = files
    self.index = index
    maximumFileSize = environment.maximumFileSize
    appendPool = environment.appendPool
    readPool = environment.readPool
    readMemory = environment.readMemory
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

  public func append(_ block: Block) async throws(LedgerError) { try await append([block]) }

  public func append(_ blocks: [Block]) async throws(LedgerError) {
    try await appendPool.run(channelID) { () throws(LedgerError) in
      try self.writer.withLock { writer throws(LedgerError) in
        try self.append(blocks, &writer)
      }
    }
  }

  private func append(_ blocks: [Block], _ writer: inout Writer) throws(LedgerError) {
    if let halted = writer.halted { throw halted }
    if let damage = damage.withLock({ $0 }) {
      throw halt(&writer, "\(damage)")
    }
    guard writer.file != nil, !closed.load(ordering: .acquiring) else {
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
      writer.unindexed.append(ChannelIndex.Entry(number: record.number, location: location))
      checksums.set(record.number, record.checksum)
      recent.insert(
        record.number, record.wireForm(),
        RecentBlocks.Hint(location: location, length: record.bytes.count))
    }
    writer.size = offset
    enterIntoIndex(&writer, last: last.number)
    let hash = last.headerHash
    lastHash.withLock { $0 = hash }
    signal.advance(to: last.number + 1)
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

  private func beginNextFile(_ writer: inout Writer) throws(LedgerError) {
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

  public func block(_ number: UInt64) throws(LedgerError) -> Block {
    var cursor = Cursor(window: Self.readWindow)
    return try record(number, &cursor).block
  }

  public func serializedBlock(_ number: UInt64) throws(LedgerError) -> ByteBuffer {
    if let wire = recent.wireForm(number) { return wire }
    var cursor = Cursor(window: Self.readWindow)
    return try record(number, &cursor).wireForm()
  }

  public func serializedBlock(_ number: UInt64) async throws(LedgerError) -> ByteBuffer {
    let forms = try await serializedBlocks(from: number, count: 1, bytes: 1)
    guard let form = forms.first else {
      throw .notFound(channel: channelID, number: number, height: height)
    }
    return form
  }

  public func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer] {
    let known = recent.wireForms(from: number, count: count, bytes: bytes)
    if !known.isEmpty { return known }
    try checkAvailable(number)
    return try await readPool.run(channelID) { () throws(LedgerError) in
      try self.readForms(from: number, count: count, bytes: bytes)
    }
  }

  private func readForms(
    from number: UInt64, count: Int, bytes: Int
  ) throws(LedgerError) -> [ByteBuffer] {
    // Somebody else may have read them while this waited for a thread.
    let known = recent.wireForms(from: number, count: count, bytes: bytes)
    if !known.isEmpty { return known }
    // Seen before the size of the file is, so that the file has them all.
    let end = height
    var cursor = Cursor(
      window: max(Self.readWindow, min(bytes, Self.maximumWindow)), memory: readMemory.take())
    var forms = [try record(number, &cursor).wireForm()]
    var left = bytes - forms[0].readableBytes
    var next = number + 1
    while forms.count < count, left > 0, next < end {
      if let wire = recent.wireForm(next) {
        forms.append(wire)
      } else {
        guard let record = try? record(next, &cursor) else { break }
        forms.append(record.wireForm())
      }
      left -= forms[forms.count - 1].readableBytes
      next += 1
    }
    readMemory.give(cursor.releaseMemory())
    recent.pass(from: number, forms)
    return forms
  }

  private func checkAvailable(_ number: UInt64) throws(LedgerError) {
    guard !closed.load(ordering: .acquiring) else { throw .closed(channel: channelID) }
    guard number < height else {
      throw .notFound(channel: channelID, number: number, height: height)
    }
  }

  /// Reads a block from its file and checks that it is the one, with the data that its header names.
  private func record(
    _ number: UInt64, _ cursor: inout Cursor
  ) throws(LedgerError) -> BlockRecord {
    try checkAvailable(number)
    if let known = damaged.withLock({ $0[number] }) { throw known }
    var tried: BlockLocation?
    var failure: LedgerError?
    if let hint = recent.hint(number) {
      tried = hint.location
      switch try attempt(number, hint, &cursor) {
      case .success(let record): return record
      case .failure(let error): failure = error
      }
    }
    if let location = indexedLocation(number), location != tried {
      tried = location
      switch try attempt(number, RecentBlocks.Hint(location: location, length: 0), &cursor) {
      case .success(let record): return record
      case .failure(let error): failure = error
      }
    }
    return try recover(number, tried: tried, failure, &cursor)
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
    _ number: UInt64, tried: BlockLocation?, _ failure: LedgerError?, _ cursor: inout Cursor
  ) throws(LedgerError) -> BlockRecord {
    var failure = failure
    do {
      let location = try files.search(
        number, files: currentFile.load(ordering: .acquiring) + 1)
      if location != tried {
        switch try attempt(number, RecentBlocks.Hint(location: location, length: 0), &cursor) {
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
    damage.withLock { $0 = $0 ?? error }
    logger.error("\(error)")
    throw error
  }

  /// Reads what is at a location.
  ///
  /// - Throws: only what has nothing to do with the location being wrong.
  private func attempt(
    _ number: UInt64, _ hint: RecentBlocks.Hint, _ cursor: inout Cursor
  ) throws(LedgerError) -> Result<BlockRecord, LedgerError> {
    let location = hint.location
    func damage(_ path: String, _ reason: String) -> LedgerError {
      .corrupt(
        channel: channelID, file: path, offset: location.offset, block: number, reason: reason)
    }
    guard location.file <= currentFile.load(ordering: .acquiring) else {
      return .failure(damage(files.path(location.file), "there is no such file"))
    }
    let file = try files.file(location.file)
    switch try cursor.read(file, at: location, length: hint.length) {
    case .cutOff:
      let size = try file.size()
      return .failure(damage(file.path, "the file of \(size) bytes ends before the block does"))
    case .malformed(let reason, _):
      return .failure(damage(file.path, "the block is not readable: \(reason)"))
    case .record(let record, let end):
      guard record.number == number else {
        return .failure(damage(file.path, "there is block \(record.number) instead"))
      }
      if let reason = fault(of: record, hint) { return .failure(damage(file.path, reason)) }
      // Who reads one block is likely to read the next.
      let next = number &+ 1
      recent.remember(
        next,
        RecentBlocks.Hint(
          location: end < cursor.size
            ? BlockLocation(file: location.file, offset: end)
            : BlockLocation(file: location.file + 1, offset: 0), length: 0,
          previousHash: checksums.get(next) == nil ? record.headerHash : []))
      return .success(record)
    }
  }

  /// What is wrong with a record. The first time it costs the hash of the data, later a checksum.
  private func fault(of record: BlockRecord, _ hint: RecentBlocks.Hint) -> String? {
    let checksum = record.checksum
    if let known = checksums.get(record.number) {
      return checksum == known
        ? nil : "the block is not what it was when it was written or last read"
    }
    guard record.hasValidDataHash else { return "the block's data does not match its data hash" }
    let previousHash = record.bytes[record.previousHash]
    guard hint.previousHash.isEmpty || previousHash.elementsEqual(hint.previousHash) else {
      return "the block's previous hash is not that of the header before it"
    }
    checksums.set(record.number, checksum)
    return nil
  }
}
