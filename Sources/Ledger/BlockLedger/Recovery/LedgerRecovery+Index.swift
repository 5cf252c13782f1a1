// Brings the index up to date, and checks that it agrees with the files.

import Logging

extension LedgerRecovery {
  func settle(
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
  func check(_ chain: RecoveredChain) throws(LedgerError) {
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
}
