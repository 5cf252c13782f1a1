// What the consenter metadata of pulled blocks are, also where their maker left them out.

import Blocks
import FabricProtos
import RaftCore

/// Follows the consenters and the log's index along blocks that others made.
///
/// A node of Go that lacks one block takes it from the snapshot, where blocks have no metadata yet, and stores it without;
/// Go 1.4 does so with all that it pulls from later releases. A node that took such a block over would not know the
/// consenters' ids after its next start. What the block should say follows from those before it: the ids always, the
/// index if the log had no other entries in between.
///
/// A value without clock or I/O.
package struct PulledMetadata: Sendable {
  private var consenters: ConsenterSet
  /// In the metadata of the last block.
  private var raftIndex: LogIndex
  /// Of the last entry, as far as blocks tell.
  private var lastIndex: LogIndex
  /// Blocks that came without.
  package private(set) var missing = 0

  /// - Parameter newest: The newest block of the ledger.
  package init(after newest: NewestBlock) {
    consenters = newest.consenters
    raftIndex = newest.metadata.raftIndex
    lastIndex = raftIndex
  }

  /// The metadata of the next block.
  ///
  /// - Throws: ``TooManyConsenterChanges`` if the block has none, and its configuration does not follow on the one before.
  mutating func metadata(of block: Block) throws(TooManyConsenterChanges) -> [UInt8] {
    let update =
      block.configEnvelope.flatMap { try? ConsensusTypeUpdate(in: $0) } ?? .untouched
    let written = block.consenterMetadata()
    lastIndex += 1
    guard written.isEmpty else {
      take(written, update)
      return written
    }
    switch update {
    case .migrated: return []
    case .untouched: raftIndex = lastIndex
    case .written(let config):
      let (set, change) = try consenters.changed(to: config.consenters)
      consenters = set
      note(change)
    }
    missing += 1
    return consenters.metadata(raftIndex: raftIndex).serialized()
  }

  private mutating func take(_ written: [UInt8], _ update: ConsensusTypeUpdate) {
    guard let metadata = try? RaftBlockMetadata(serialized: written) else { return }
    var next = consenters.consenters
    if case .written(let config) = update {
      next = config.consenters
      if let (_, change) = try? consenters.changed(to: next) { note(change) }
    } else {
      lastIndex = metadata.raftIndex
    }
    raftIndex = metadata.raftIndex
    if let set = try? ConsenterSet(next, metadata: metadata) { consenters = set }
  }

  /// Raft hears of a consenter that came or went, in an entry behind the block's.
  private mutating func note(_ change: ConsenterChange) {
    switch change {
    case .added, .removed: lastIndex += 1
    case .none, .rotated: break
    }
  }
}
