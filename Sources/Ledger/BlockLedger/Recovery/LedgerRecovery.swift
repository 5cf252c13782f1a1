// Brings one channel's block files and index together when its ledger is opened.

import FabricProtos
import Foundation
import Logging
import Storage

/// What a channel's ledger looks like after recovery.
struct RecoveredChain {
  /// Number and size of the file to append to.
  var file: Int
  var size: Int64
  var height: UInt64
  /// Hash of the last header; empty at height 0.
  var lastHash: [UInt8]
}

/// Opening a ledger.
///
/// The block files are the truth, the index is derived from them. Only one thing in the index is
/// believed, and only after a look at the block: where the last block that it knows is. The blocks
/// after it are checked one by one and entered into the index; there are none if the index is up to
/// date. Without a usable index, all files are read.
struct LedgerRecovery {
  /// A point between two records.
  private struct Position {
    var file = 0
    var offset: Int64 = 0
    /// The block that should begin here, and the hash it should name.
    var number: UInt64 = 0
    var previousHash: [UInt8] = []
  }

  /// Entries that are put into the index at a time during a scan.
  private static let batchSize = 1000
  /// How far before the end of the files to look for a block to begin after.
  private static let maximumStep: UInt64 = 4096
  private static let progressInterval: UInt64 = 10_000
  private static let scanWindow = 1 << 20
  /// Bytes at the end of the newest file that are written again. Only an enormous block makes a single
  /// write larger.
  private static let rewrittenSize: Int64 = 8 << 20

  let files: BlockFiles
  let index: ChannelIndex
  let signatures: any SignatureProbe
  let logger: Logger
  let closing: ClosingFlag
  /// ``BootMark/identifier``
  let boot: [UInt8]

  func run() throws(LedgerError) -> RecoveredChain {
    let chain = try recover(knowsAllSeen: !boot.isEmpty && (try? index.lastBoot()) == boot)
    if (try? index.lastBoot()) != boot {
      // If it is not noted, less is certain.
      try? index.record([], checkpoint: nil, boot: boot, synchronized: false)
    }
    return chain
  }

  /// - Parameter knowsAllSeen: The index has all blocks that anybody can have seen.
  private func recover(knowsAllSeen: Bool) throws(LedgerError) -> RecoveredChain {
    let snapshot = "\(files.folder)/bootstrappingSnapshot.info"
    guard !Folder.exists(snapshot) else {
      throw .unsupported(
        path: snapshot, reason: "this is a peer's ledger made from a snapshot, not an orderer's")
    }
    let count = try files.count()
    let checkpoint = try indexed { () throws(LevelDB.Failure) in try index.checkpoint() }
    let lastIndexed = try indexed { () throws(LevelDB.Failure) in try index.lastIndexed() }
    let checkpointed = checkpoint.flatMap(\.lastBlock)
    let lastKnown = [checkpointed, lastIndexed].compactMap(\.self).max()
    guard count > 0 else {
      if let lastKnown {
        throw .corrupt(
          channel: files.channelID, file: files.path(0), offset: 0, block: 0,
          reason: "the file is missing, but the index knows of blocks up to \(lastKnown) (to begin "
            + "this channel anew, remove the folder \(index.database.path) as well)")
      }
      _ = try onDisk(File(files.path(0), .creating))
      try synchronizeFolder()
      return RecoveredChain(file: 0, size: 0, height: 0, lastHash: [])
    }

    // A new file is there before the index names it, so this one was lost with all its blocks.
    if let checkpoint, checkpoint.file >= count, let lastKnown,
      let place = try location(lastKnown), place.file >= count
    {
      throw .corrupt(
        channel: files.channelID, file: files.path(place.file), offset: 0, block: nil,
        reason: "the file is missing, but the index knows that block \(lastKnown) was in it (to go "
          + "on with what is left, remove the folder \(index.database.path) as well)")
    }
    let candidate = [checkpointed, lastIndexed].compactMap(\.self).min()
    let start = try anchor(candidate, files: count)
    // The process that made the newest file may have died before the file's name was safe.
    if try onDisk(files.file(count - 1).size()) == 0 { try synchronizeFolder() }
    let firstSize = try onDisk(files.file(0).size())
    if start == nil, lastKnown != nil || firstSize > 0 {
      logger.info(
        "No usable index for channel \(files.channelID), rebuilding it from \(count) block file(s)")
    }
    let scan = try scan(
      from: start ?? Position(), files: count, knew: lastKnown,
      neverSeen: knowsAllSeen ? lastKnown.map { $0 &+ 1 } ?? 0 : nil)
    if scan.end.number == 0, let lastKnown { throw allLost(lastKnown) }
    let chain = RecoveredChain(
      file: count - 1, size: try onDisk(files.file(count - 1).size()), height: scan.end.number,
      lastHash: scan.end.previousHash)
    try settle(
      chain, scan, knew: lastKnown, checkpoint: checkpoint, lastIndexed: lastIndexed)
    try check(chain)
    return chain
  }

  /// An empty ledger is removed, as if its creation had been interrupted; this one must not be.
  private func allLost(_ lastKnown: UInt64) -> LedgerError {
    .corrupt(
      channel: files.channelID, file: files.path(0), offset: 0, block: 0,
      reason: "no whole block is there, but the index knows of blocks up to \(lastKnown) (to begin "
        + "this channel anew, remove the folder \(index.database.path) as well)")
  }

  private func synchronizeFolder() throws(LedgerError) {
    try onDisk(Folder.synchronize(files.folder))
    try onDisk(Folder.synchronize(Folder.parent(of: files.folder)))
  }

  // MARK: - Where to begin

  /// The end of the last block that the index knows and the files have.
  private func anchor(_ candidate: UInt64?, files count: Int) throws(LedgerError) -> Position? {
    // An index without the first block was lost and begun anew in the middle.
    guard let candidate, try location(0) != nil else { return nil }
    if let position = try behind(candidate, files: count) { return position }
    // The files may have been cut: find the last block that begins within them. Later blocks are
    // lost, and the last ones that begin there may be damaged too.
    var low: UInt64 = 0
    var high = candidate
    while low < high {
      let middle = high - (high - low) / 2
      if let place = try location(middle), place.file < count,
        place.offset < (try onDisk(files.file(place.file).size()))
      {
        low = middle
      } else {
        high = middle - 1
      }
    }
    var step: UInt64 = 0
    while step <= low, step <= Self.maximumStep {
      if let position = try behind(low - step, files: count) { return position }
      step = max(1, step * 2)
    }
    return nil
  }

  /// The position after block `number`, if it is where the index says and whole.
  private func behind(_ number: UInt64, files count: Int) throws(LedgerError) -> Position? {
    guard let place = try location(number), place.file < count, number < UInt64.max else {
      return nil
    }
    let file = try onDisk(files.file(place.file))
    var reader = RecordReader(file: file, size: try onDisk(file.size()), window: 1 << 16)
    guard case .record(let record, let end) = try onDisk(reader.read(at: place.offset)),
      record.number == number, record.hasValidDataHash,
      !MetadataHole.isIn(record, end: end, wasSafe: true, signatures)
    else { return nil }
    return Position(
      file: place.file, offset: end, number: number + 1, previousHash: record.headerHash)
  }

  private func location(_ number: UInt64) throws(LedgerError) -> BlockLocation? {
    do { return try index.location(number) } catch {
      // A damaged index entry is as good as missing.
      guard !error.isCorruption else { return nil }
      throw .index(index.database.path, error)
    }
  }

  // MARK: - Going through the files

  private struct Scan {
    var end: Position
    /// Blocks that the index did not have.
    var found = 0
    var entries: [ChannelIndex.Entry] = []
    /// Whether entries were written already.
    var flushed = false
    /// Bytes were cut off the newest file.
    var cut = false
  }

  /// - Parameter neverSeen: the first block that nobody can have seen, if there is one.
  private func scan(
    from start: Position, files count: Int, knew lastKnown: UInt64?, neverSeen: UInt64?
  ) throws(LedgerError) -> Scan {
    var scan = Scan(end: start)
    for number in start.file..<count {
      let file = try onDisk(files.file(number))
      let size = try onDisk(file.size())
      let before = scan.found
      var reader = RecordReader(file: file, size: size, window: Self.scanWindow)
      scan.end.file = number
      if number > start.file { scan.end.offset = 0 }
      let begin = scan.end.offset
      if size - scan.end.offset > Int64(Self.scanWindow) {
        logger.info(
          "Reading block file \(file.path) from offset \(scan.end.offset) of \(size) bytes")
      }
      while scan.end.offset < size {
        let outcome = try onDisk(reader.read(at: scan.end.offset))
        if case .record(let record, let end) = outcome, fits(record, scan.end),
          !MetadataHole.isIn(record, end: end, signatures)
        {
          try accept(record, end: end, &scan)
        } else {
          if scan.end.number == 0, let lastKnown { throw allLost(lastKnown) }
          try cutTail(
            of: number, file, size: size, outcome, scan.end, files: count, neverSeen: neverSeen)
          scan.cut = true
          break
        }
      }
      if scan.found > before {
        try makeDurable(file, from: begin, to: scan.end.offset, isNewest: number == count - 1)
      }
    }
    return scan
  }

  /// Blocks that an earlier process wrote may not be on the disk yet. They must be before anybody
  /// sees them.
  ///
  /// The last of them may be there because an fsync failed. The kernel then wrongly takes the data
  /// for written, so only writing it again gets it to the disk.
  private func makeDurable(
    _ file: File, from begin: Int64, to end: Int64, isNewest: Bool
  ) throws(LedgerError) {
    let writable = try onDisk(File(file.path, .updating))
    if isNewest {
      let begin = max(begin, end - Self.rewrittenSize)
      let newest = try onDisk(writable.read(at: begin, count: Int(end - begin)))
      try onDisk(writable.write(newest, at: begin))
    }
    try onDisk(writable.synchronizeData())
  }

  private func fits(_ record: BlockRecord, _ position: Position) -> Bool {
    record.number == position.number
      && record.bytes[record.previousHash].elementsEqual(position.previousHash)
      && record.hasValidDataHash
  }

  private func accept(_ record: BlockRecord, end: Int64, _ scan: inout Scan) throws(LedgerError) {
    scan.entries.append(
      ChannelIndex.Entry(
        number: record.number,
        location: BlockLocation(file: scan.end.file, offset: scan.end.offset),
        fingerprint: record.fingerprint))
    scan.end = Position(
      file: scan.end.file, offset: end, number: record.number &+ 1,
      previousHash: record.headerHash)
    scan.found += 1
    if scan.entries.count >= Self.batchSize {
      let entries = scan.entries
      let first = !scan.flushed
      try writing { () throws(LevelDB.Failure) in
        // Go's orderer looks no further than the file that the checkpoint names. Until the scan is
        // done, no checkpoint is better than one that names an old file.
        if first { try index.removeCheckpoint() }
        try index.record(entries, checkpoint: nil, synchronized: false)
      }
      scan.flushed = true
      guard !closing.isRaised else { throw .closed(channel: files.channelID) }
      scan.entries.removeAll(keepingCapacity: true)
    }
    if record.number != 0, record.number % Self.progressInterval == 0 {
      logger.info("Indexed block \(record.number) of channel \(files.channelID)")
    }
  }

  /// Cuts off what is not a block, or refuses if it was one.
  private func cutTail(
    of number: Int, _ file: File, size: Int64, _ outcome: RecordReader.Outcome,
    _ position: Position, files count: Int, neverSeen: UInt64?
  ) throws(LedgerError) {
    func corrupt(_ reason: String) -> LedgerError {
      .corrupt(
        channel: files.channelID, file: file.path, offset: position.offset, block: position.number,
        reason: reason)
    }
    for later in (number + 1)..<max(count, number + 1) {
      guard try onDisk(files.file(later).size()) == 0 else {
        throw corrupt("no whole block is there, but \(files.path(later)) follows")
      }
    }
    let remainder = size - position.offset
    guard remainder <= Int64(BlockRecord.maximumSize) else {
      throw corrupt("no whole block is there, and \(remainder) bytes follow")
    }
    let tail = DamagedTail(
      bytes: try onDisk(file.read(at: position.offset, count: Int(remainder))),
      offset: position.offset,
      outcome: outcome, number: position.number, previousHash: position.previousHash,
      wasNeverSeen: neverSeen.map { position.number >= $0 } ?? false,
      wasIndexed: try location(position.number)
        == BlockLocation(file: number, offset: position.offset))
    let writable = try onDisk(File(file.path, .updating))
    switch tail.verdict() {
    case .damage(let reason): throw corrupt(reason)
    case .garbage where position.number == 0 && !tail.hasMissingSector:
      // An empty ledger would be taken for an interrupted creation, which this is not.
      throw corrupt("the file does not begin with a block")
    case .torn:
      logger.warning(
        "Block file \(file.path) ends with an incomplete write of block \(position.number): cutting off \(remainder) bytes at offset \(position.offset)"
      )
    case .garbage:
      let copy = "\(files.folder)/removed_\(number)_\(position.offset)"
      try onDisk(DurableFile.create(copy, with: tail.bytes))
      logger.warning(
        "Block file \(file.path) ends with something that is not block \(position.number): moving \(remainder) bytes at offset \(position.offset) to \(copy)"
      )
    }
    try onDisk(writable.truncate(to: position.offset))
    try onDisk(writable.synchronizeData())
  }

  // MARK: - Bringing the index up to date

  private func settle(
    _ chain: RecoveredChain, _ scan: Scan, knew lastKnown: UInt64?,
    checkpoint: ChannelIndex.Checkpoint?, lastIndexed: UInt64?
  ) throws(LedgerError) {
    guard chain.height > 0 else { return }
    let last = chain.height - 1
    if let lastKnown, lastKnown > last {
      logger.error(
        "Channel \(files.channelID): blocks \(chain.height) to \(lastKnown), which the index knew, are gone from the block files; going on behind block \(last)"
      )
      try writing { () throws(LevelDB.Failure) in try index.removeBlocks(from: chain.height) }
    }
    let settled = ChannelIndex.Checkpoint(file: chain.file, size: chain.size, lastBlock: last)
    if settled != checkpoint || lastIndexed != last || scan.found > 0 {
      try writing { () throws(LevelDB.Failure) in
        try index.record(
          scan.entries, lastIndexed: last, checkpoint: settled, synchronized: true)
      }
    }
    if scan.found > 0 {
      logger.info(
        "Indexed \(scan.found) block(s) of channel \(files.channelID), the last is \(last)")
    }
  }

  // MARK: - What must hold

  /// Checks before the ledger opens that files and index agree on where the chain ends, whatever way
  /// recovery took.
  private func check(_ chain: RecoveredChain) throws(LedgerError) {
    func contradiction(_ reason: String) -> LedgerError {
      .corrupt(
        channel: files.channelID, file: files.path(chain.file), offset: chain.size,
        block: chain.height, reason: "recovery came to a contradiction: \(reason)")
    }
    guard chain.height > 0 else {
      guard chain.size == 0, chain.lastHash.isEmpty else {
        throw contradiction("no block was found, but the file is not empty")
      }
      return
    }
    let last = chain.height - 1
    guard let place = try location(last), place.file <= chain.file, place.offset >= 0 else {
      throw contradiction("the index does not know where block \(last) is")
    }
    let file = try onDisk(files.file(place.file))
    let size = try onDisk(file.size())
    var reader = RecordReader(file: file, size: size, window: 0)
    guard let head = try onDisk(reader.head(at: place.offset)), head.number == last,
      head.end == size, place.file == chain.file || chain.size == 0
    else {
      throw contradiction("block \(last) does not end where the chain does")
    }
    let known = try indexed { () throws(LevelDB.Failure) in
      (try index.checkpoint(), try index.lastIndexed())
    }
    guard known.1 == last, known.0?.file == chain.file, known.0?.size == chain.size,
      known.0?.lastBlock == last
    else { throw contradiction("the index does not end with block \(last)") }
  }

  private func writing(_ body: () throws(LevelDB.Failure) -> Void) throws(LedgerError) {
    do { try body() } catch { throw .index(index.database.path, error) }
  }

  private func indexed<Value>(
    _ body: () throws(LevelDB.Failure) -> Value
  ) throws(LedgerError) -> Value {
    do { return try body() } catch { throw .index(index.database.path, error) }
  }
}
