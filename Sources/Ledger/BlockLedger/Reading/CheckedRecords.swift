// Finds the blocks of one channel in its files, checks them, and notices damage.

import Foundation
import Logging
import Storage
import Synchronization

/// The records of a channel's block files, each checked before it is given out.
final class CheckedRecords: Sendable {
  /// Known damaged blocks that are not looked at again.
  private static let maximumDamaged = 64
  /// Bytes that are read in one go when the length of a block is not known.
  static let readWindow = 32 << 10

  private let channelID: String
  private let files: BlockFiles
  private let index: ChannelIndex
  private let recent: RecentBlocks
  private let checksums: Checksums
  private let keeper: FingerprintKeeper
  private let logger: Logger
  private let newestFile: Atomic<Int>
  private let damaged = Mutex<[UInt64: LedgerError]>([:])
  private let firstDamage = Mutex<LedgerError?>(nil)

  /// - Parameter currentFile: number of the newest file.
  init(
    files: BlockFiles, index: ChannelIndex, currentFile: Int, recent: RecentBlocks,
    checksums: Checksums, _ environment: FileBlockStore.Environment
  ) {
    channelID = files.channelID
    self.files = files
    self.index = index
    self.recent = recent
    self.checksums = checksums
    logger = environment.logger
    newestFile = Atomic(currentFile)
    keeper = FingerprintKeeper(index: index, pool: environment.upkeepPool, logger: logger)
  }

  /// The first damage that was found. Nothing may be appended after it.
  var damage: LedgerError? { firstDamage.withLock { $0 } }

  /// Number of the newest file.
  var currentFile: Int { newestFile.load(ordering: .acquiring) }

  func setCurrentFile(_ number: Int) { newestFile.store(number, ordering: .releasing) }

  /// Writes to the index what should be kept. Blocks the thread.
  func close() { keeper.close() }

  /// Reads a block from its file and checks that it is the right one, with the data that its header
  /// names.
  ///
  /// - Parameter ahead: The blocks after it are likely to be read next.
  func record(
    _ number: UInt64, _ cursor: inout Cursor, ahead: Bool = false
  ) throws(LedgerError) -> BlockRecord {
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

  /// Gets the place of a block that is not among the last ones read.
  func findPlace(of number: UInt64) {
    guard recent.hint(number) == nil, let location = indexedLocation(number) else { return }
    recent.remember(number, RecentBlocks.Hint(location: location, length: 0))
  }

  /// Gets what the index knows of a block that this process has not seen yet, and of later ones.
  func lookUpFingerprints(_ number: UInt64, ahead: Bool) {
    guard checksums.isWorthAsking(number) else { return }
    let chunkEnd = (number | (Checksums.chunkSize - 1)).addingReportingOverflow(1)
    let end = ahead && !chunkEnd.overflow ? chunkEnd.partialValue : number + 1
    // Without fingerprints, the hashes will do.
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
        number, files: currentFile + 1)
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
      // Only damage is remembered: a disk that does not answer now may do so later.
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
  /// - Throws: only errors that do not come from a wrong location.
  private func attempt(
    _ number: UInt64, _ hint: RecentBlocks.Hint, _ cursor: inout Cursor
  ) throws(LedgerError) -> Result<BlockRecord, LedgerError> {
    let location = hint.location
    func damage(_ path: String, _ reason: String) -> LedgerError {
      .corrupt(
        channel: channelID, file: path, offset: location.offset, block: number, reason: reason)
    }
    guard location.file <= currentFile else {
      return .failure(damage(files.path(location.file), "there is no such file"))
    }
    let file = try onDisk(files.file(location.file))
    switch try onDisk(cursor.read(file, at: location, length: hint.length)) {
    case .cutOff:
      let size = try onDisk(file.size())
      return .failure(damage(file.path, "the file of \(size) bytes ends before the block does"))
    case .malformed(let reason, _):
      return .failure(damage(file.path, "the block is not readable: \(reason)"))
    case .record(let record, let end):
      guard record.number == number else {
        return .failure(damage(file.path, "there is block \(record.number) instead"))
      }
      if let reason = fault(of: record, hint) { return .failure(damage(file.path, reason)) }
      // A reader of one block is likely to want the next.
      let next = number &+ 1
      recent.remember(
        next,
        RecentBlocks.Hint(
          location: end < cursor.size
            ? BlockLocation(file: location.file, offset: end)
            : BlockLocation(file: location.file + 1, offset: 0), length: 0,
          previousHash: checksums.known(next) == nil ? record.headerHash : []))
      return .success(record)
    }
  }

  /// What is wrong with a record. A known block is compared with its fingerprint; for any other,
  /// the data is hashed.
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
    if expected.isEmpty { expected = headerHash(before: record.number) }
    guard expected.isEmpty || record.bytes[record.previousHash].elementsEqual(expected) else {
      return "the block's previous hash is not that of the header before it"
    }
    if known != nil {
      // Another program may have replaced an incomplete block. Or only the metadata differs, for
      // which there is no hash.
      logger.warning(
        "Block \(record.number) of channel \(channelID) is not the one that was indexed, but its hashes are right. If no other program wrote to the folder since, look whether its signatures are: orderer ledger verify \(channelID)"
      )
    }
    checksums.set(record.number, fingerprint)
    keeper.keep(record.number, fingerprint)
    return nil
  }

  /// The hash of the header before block `number`; empty if it is not certain that that block is
  /// unchanged.
  private func headerHash(before number: UInt64) -> [UInt8] {
    guard number > 0 else { return [] }
    lookUpFingerprints(number - 1, ahead: false)
    guard let known = checksums.known(number - 1), let location = indexedLocation(number - 1),
      let file = try? files.file(location.file), let size = try? file.size()
    else { return [] }
    var reader = RecordReader(file: file, size: size, window: Self.readWindow)
    guard case .record(let record, _) = try? reader.read(at: location.offset),
      record.number == number - 1, record.fingerprint == known.fingerprint
    else { return [] }
    return record.headerHash
  }
}
