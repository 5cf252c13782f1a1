// Reads the blocks of one channel from its files, and notices damage.

import FabricProtos
import Foundation
import Logging
import NIOCore
import Synchronization

/// What readers of a ``FileBlockStore`` go through.
///
/// A block is served from memory if it is new or was just read. Otherwise it is read from its file:
/// on the caller's thread if the kernel has it in memory and only a checksum is to be computed, else
/// on threads that may wait for a disk.
final class BlockReader: Sendable {
  /// Known damaged blocks that are not looked at again.
  private static let maximumDamaged = 64
  /// Bytes that are read in one go when the length of a block is not known.
  private static let readWindow = 32 << 10
  /// The same for reads of several blocks.
  private static let maximumWindow = 256 << 10
  /// Bytes up to which blocks are read on the caller's thread, which is to be held up for a fraction
  /// of a millisecond only.
  static let maximumCached = 2 << 20

  let channelID: String
  private let files: BlockFiles
  private let index: ChannelIndex
  private let signal: HeightSignal
  private let readPool: BlockingPool
  private let readMemory: ReadMemory
  private let wireMemory: WireMemory
  private let logger: Logger
  private let recent: RecentBlocks
  private let checksums = Checksums()
  private let keeper: FingerprintKeeper
  private let currentFile: Atomic<Int>
  private let closed = Atomic<Bool>(false)
  private let damaged = Mutex<[UInt64: LedgerError]>([:])
  private let firstDamage = Mutex<LedgerError?>(nil)

  /// - Parameter currentFile: number of the newest file.
  init(
    files: BlockFiles, index: ChannelIndex, signal: HeightSignal, currentFile: Int,
    _ environment: FileBlockStore.Environment
  ) {
    channelID = files.channelID
    self.files = files
    self.index = index
    self.signal = signal
    self.currentFile = Atomic(currentFile)
    readPool = environment.readPool
    readMemory = environment.readMemory
    wireMemory = environment.wireMemory
    logger = environment.logger
    recent = RecentBlocks(budget: environment.budget, memory: environment.wireMemory)
    keeper = FingerprintKeeper(index: index, pool: environment.upkeepPool, logger: logger)
  }

  var isClosed: Bool { closed.load(ordering: .acquiring) }

  /// The first damage that was found. Nothing is to be appended behind it.
  var damage: LedgerError? { firstDamage.withLock { $0 } }

  /// Lets no new read begin.
  func beginClosing() { closed.store(true, ordering: .releasing) }

  /// Lets go of files and memory, and writes to the index what is to be kept. Blocks the thread.
  func close() {
    keeper.close()
    files.closeAll()
    recent.removeAll()
  }

  // MARK: - What the writer tells

  /// A block that is about to become visible.
  func insert(_ record: BlockRecord, at location: BlockLocation, _ fingerprint: BlockFingerprint) {
    checksums.set(record.number, fingerprint)
    recent.insert(
      record.number, record.wireForm(),
      RecentBlocks.Hint(location: location, length: record.bytes.count))
  }

  func setCurrentFile(_ number: Int) { currentFile.store(number, ordering: .releasing) }

  // MARK: - Reading

  func block(_ number: UInt64) throws(LedgerError) -> Block {
    var cursor = Cursor(window: Self.readWindow)
    return try record(number, &cursor).block
  }

  func serializedBlock(_ number: UInt64) throws(LedgerError) -> ByteBuffer {
    if let wire = recent.wireForm(number) { return wire }
    var cursor = Cursor(window: Self.readWindow)
    return try record(number, &cursor).wireForm()
  }

  func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer] {
    let known = recent.wireForms(from: number, count: count, bytes: bytes)
    if !known.isEmpty { return known }
    try checkAvailable(number)
    let cached = readCached(from: number, count: count, bytes: bytes)
    if !cached.isEmpty { return cached }
    return try await readPool.run(channelID) { () throws(LedgerError) in
      try self.readForms(from: number, count: count, bytes: bytes)
    }
  }

  /// Blocks whose place and fingerprints are at hand and whose bytes the kernel has in memory, so that
  /// nothing is waited for and no hash is computed. None if there is anything unusual.
  private func readCached(from number: UInt64, count: Int, bytes: Int) -> [ByteBuffer] {
    // Seen before the size of the file is, so that the file has them all.
    let end = signal.height
    guard let (hint, newest) = recent.place(of: number), number < end,
      let file = files.openFile(hint.location.file), let size = try? file.size(),
      case let stop = min(end, newest), number < stop
    else { return [] }
    let run = checksums.run(
      from: number, count: Int(min(UInt64(count), stop - number)), bytes: bytes)
    let wanted = run.reduce(0) { $0 + $1.fingerprint.storedSize }
    let available = min(Int64(wanted), size - hint.location.offset)
    guard wanted <= Self.maximumCached, available > 0 else { return [] }
    var memory = readMemory.take()
    defer { readMemory.give(memory) }
    if memory.count < wanted { memory = Array(repeating: 0, count: wanted) }
    let filled = memory.withUnsafeMutableBytes { target in
      file.readCached(
        at: hint.location.offset,
        into: UnsafeMutableRawBufferPointer(rebasing: target[..<Int(available)]))
    }
    var forms: [ByteBuffer] = []
    forms.reserveCapacity(run.count)
    var start = 0
    var last: [UInt8] = []
    for known in run {
      let next = number + UInt64(forms.count)
      let end = start + known.fingerprint.storedSize
      guard end <= filled, let record = Self.record(in: memory, start..<end),
        record.number == next,
        case let form = record.fingerprintedWireForm(in: wireMemory.take(record.wireSize)),
        form.fingerprint == known.fingerprint
      else { break }
      if !known.isCertain { checksums.set(next, known.fingerprint) }
      forms.append(form.wire)
      start = end
      // For one that has to be hashed.
      if forms.count == run.count, checksums.known(next + 1) == nil { last = record.headerHash }
    }
    guard !forms.isEmpty else { return [] }
    recent.pass(
      from: number, forms,
      next: RecentBlocks.Hint(
        location: BlockLocation(behind: start, hint.location, size: size), length: 0,
        previousHash: last))
    return forms
  }

  private static func record(in memory: [UInt8], _ range: Range<Int>) -> BlockRecord? {
    var index = range.lowerBound
    guard let size = Varint.read(memory, at: &index, end: range.upperBound),
      size == UInt64(range.upperBound - index)
    else { return nil }
    return try? BlockRecord(memory, index..<range.upperBound)
  }

  private func readForms(
    from number: UInt64, count: Int, bytes: Int
  ) throws(LedgerError) -> [ByteBuffer] {
    // Somebody else may have read them while this waited for a thread.
    let known = recent.wireForms(from: number, count: count, bytes: bytes)
    if !known.isEmpty { return known }
    // Seen before the size of the file is, so that the file has them all.
    let end = signal.height
    var cursor = Cursor(
      window: max(Self.readWindow, min(bytes, Self.maximumWindow)), memory: readMemory.take())
    var forms = [try wireForm(number, &cursor, ahead: count > 1)]
    var left = bytes - forms[0].readableBytes
    var next = number + 1
    while forms.count < count, left > 0, next < end {
      if let wire = recent.wireForm(next) {
        forms.append(wire)
      } else {
        guard let form = try? wireForm(next, &cursor, ahead: true) else { break }
        forms.append(form)
      }
      left -= forms[forms.count - 1].readableBytes
      next += 1
    }
    readMemory.give(cursor.releaseMemory())
    recent.pass(from: number, forms)
    return forms
  }

  private func wireForm(
    _ number: UInt64, _ cursor: inout Cursor, ahead: Bool
  ) throws(LedgerError) -> ByteBuffer {
    let record = try record(number, &cursor, ahead: ahead)
    return record.wireForm(in: wireMemory.take(record.wireSize))
  }

  private func checkAvailable(_ number: UInt64) throws(LedgerError) {
    guard !isClosed else { throw .closed(channel: channelID) }
    guard number < signal.height else {
      throw .notFound(channel: channelID, number: number, height: signal.height)
    }
  }

  /// Reads a block from its file and checks that it is the one, with the data that its header names.
  ///
  /// - Parameter ahead: The blocks behind it are likely to be read next.
  private func record(
    _ number: UInt64, _ cursor: inout Cursor, ahead: Bool = false
  ) throws(LedgerError) -> BlockRecord {
    try checkAvailable(number)
    if let known = damaged.withLock({ $0[number] }) { throw known }
    lookUpFingerprints(number, ahead: ahead)
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

  /// Gets what the index knows of a block that this process has not seen yet, and of those behind it.
  private func lookUpFingerprints(_ number: UInt64, ahead: Bool) {
    guard checksums.isWorthAsking(number) else { return }
    let chunkEnd = (number | (Checksums.chunkSize - 1)).addingReportingOverflow(1)
    let end = ahead && !chunkEnd.overflow ? chunkEnd.partialValue : number + 1
    // Without them the hashes tell as much.
    let found = (try? index.fingerprints(number..<end)) ?? []
    checksums.note(found, of: number..<end)
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
    firstDamage.withLock { $0 = $0 ?? error }
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
          location: BlockLocation(
            behind: Int(end - location.offset), location, size: cursor.size),
          length: 0,
          previousHash: checksums.known(next) == nil ? record.headerHash : []))
      return .success(record)
    }
  }

  /// What is wrong with a record. A block that is known is compared with its fingerprint, any other
  /// one costs the hash of its data.
  private func fault(of record: BlockRecord, _ hint: RecentBlocks.Hint) -> String? {
    let fingerprint = record.fingerprint
    let known = checksums.known(record.number)
    if let known {
      if known.fingerprint == fingerprint {
        if !known.isCertain { checksums.set(record.number, fingerprint) }
        return nil
      }
      if known.isCertain {
        return "the block is not what it was when it was written or last read"
      }
    }
    guard record.hasValidDataHash else { return "the block's data does not match its data hash" }
    var expected = hint.previousHash
    if expected.isEmpty, known != nil { expected = headerHash(before: record.number) }
    guard expected.isEmpty || record.bytes[record.previousHash].elementsEqual(expected) else {
      return "the block's previous hash is not that of the header before it"
    }
    if known != nil {
      // Another program may have replaced a block that was not whole. Or it is the metadata, for
      // which there is no hash.
      logger.warning(
        "Block \(record.number) of channel \(channelID) is not the one that was indexed, but its hashes are right. If no other program wrote to the folder since, look whether its signatures are: orderer ledger verify \(channelID)"
      )
    }
    checksums.set(record.number, fingerprint)
    keeper.keep(record.number, fingerprint)
    return nil
  }

  /// The hash of the header before block `number`; empty if that block is not certainly what it was.
  private func headerHash(before number: UInt64) -> [UInt8] {
    guard number > 0, let location = indexedLocation(number - 1),
      let file = try? files.file(location.file), let size = try? file.size()
    else { return [] }
    lookUpFingerprints(number - 1, ahead: false)
    var reader = RecordReader(file: file, size: size, window: Self.readWindow)
    guard case .record(let record, _) = try? reader.read(at: location.offset),
      checksums.known(number - 1)?.fingerprint == record.fingerprint
    else { return [] }
    return record.headerHash
  }
}

extension BlockLocation {
  /// The place `bytes` behind another one, which is in the next file if this one ends there.
  fileprivate init(behind bytes: Int, _ location: BlockLocation, size: Int64) {
    let offset = location.offset + Int64(bytes)
    self =
      offset < size
      ? BlockLocation(file: location.file, offset: offset)
      : BlockLocation(file: location.file + 1, offset: 0)
  }
}
