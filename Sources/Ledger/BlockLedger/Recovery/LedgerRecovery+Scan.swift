// Goes through the block files, from where recovery begins to where the chain ends.

import Logging
import Storage

extension LedgerRecovery {
  struct Scan {
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
  func scan(
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
}
