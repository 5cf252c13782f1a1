// Whether a channel's log belongs to its ledger, and what the ledger lacks of it.

import Ordering
import RaftCore
import RaftLog

extension RaftChain {
  /// Whether the log that is there cannot be this channel's, which has its first block only: a channel of the same name
  /// was removed by an orderer that left the log.
  func holdsOtherChannel() async throws -> Bool {
    let (location, logger, end, channelID) = (location, logger, newestBlock.end, channelID)
    return try await run { () throws(RaftLogError) in
      guard try RaftStorage.exists(location) else { return false }
      let storage = try RaftStorage(location, logger: logger)
      defer { try? storage.close() }
      // Its snapshot stands for blocks that this channel does not have.
      if storage.found.snapshot != nil { return true }
      var next = storage.firstIndex
      while next <= storage.lastIndex {
        let entries = try storage.entries(
          from: next, to: storage.lastIndex + 1, maximumBytes: Self.readSize)
        for entry in entries where entry.kind == .normal && !entry.data.isEmpty {
          let block = try? EntryBlock.block(in: Array(entry.data), index: entry.index)
          return block.map {
            (try? EntryBlock.assembled($0, following: end, index: entry.index, channelID: channelID))
              == nil
          } ?? true
        }
        next += LogIndex(entries.count)
      }
      return false
    }
  }

  /// Writes blocks that a snapshot stands for and that the ledger lacks, from the entries that the log still has.
  func writeMissing(_ opening: inout ChainOpening, _ storage: RaftStorage) async throws {
    guard opening.lacksBlocks, let snapshot = storage.found.snapshot else { return }
    let newest = opening.snapshotBlock
    logger.info(
      """
      Catching up with snapshot taken at block [\(newest)], starting from block [\(opening.applier.end.height)]
      """)
    var next = storage.firstIndex
    while next <= snapshot.index {
      var entries = try await entries(next..<(snapshot.index + 1), of: storage)[...]
      next += LogIndex(entries.count)
      while let blocks = try opening.missing(in: &entries) {
        try await support.append(made: blocks)
      }
    }
    if let last = opening.lastResort {
      var entries = [last][...]
      while let blocks = try opening.missing(in: &entries) {
        try await support.append(made: blocks)
      }
    }
    try opening.checkIsComplete()
    guard !opening.lacksBlocks else { return }
    logger.info("Finished syncing with cluster up to and including block [\(newest)]")
  }
}
