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

  /// Writes blocks that a snapshot stands for and that the ledger lacks, from the entries that the log still has: Go's
  /// orderer takes snapshots of blocks that its ledger does not have yet.
  func writeMissing(
    upTo newest: UInt64, of snapshot: Snapshot, _ storage: RaftStorage,
    _ applier: inout EntryApplier
  ) async throws {
    guard newest >= applier.end.height else { return }
    logger.info(
      """
      Catching up with snapshot taken at block [\(newest)], starting from block [\(applier.end.height)]
      """)
    var next = storage.firstIndex
    while next <= snapshot.index {
      var entries = try await entries(next..<(snapshot.index + 1), of: storage)[...]
      next += LogIndex(entries.count)
      try await write(&entries, &applier)
    }
    let isAlone = newestBlock.consenters.ids.count == 1
    if newest == applier.end.height, isAlone {
      // The one missing block may be in the snapshot alone. The snapshot's index may be that of a change behind the block:
      // where others have the block, they have its metadata, too.
      var last = [Entry(term: snapshot.term, index: snapshot.index, data: snapshot.data)][...]
      try await write(&last, &applier)
    }
    guard newest < applier.end.height else {
      guard isAlone else { return }
      throw ChannelFault(
        """
        the Raft log goes on behind block \(newest), and the ledger has only \(applier.end.height) blocks: restore \
        the blocks in between
        """)
    }
    logger.info("Finished syncing with cluster up to and including block [\(newest)]")
  }

  private func write(
    _ entries: inout ArraySlice<Entry>, _ applier: inout EntryApplier
  ) async throws {
    while let (step, _) = try applier.next(&entries, made: { _ in nil }) {
      switch step {
      case .write(let blocks, _, _): try await support.append(made: blocks)
      case .writeConfig(let block, _, _): try await support.append(made: [block])
      case .skip, .change: break
      // Others have them; this node asks for them when it is there.
      case .pull: return
      }
    }
  }
}
