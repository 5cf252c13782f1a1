// What the entries of a log would make of a channel whose ledger does not have them yet.

import BlockLedger
import Blocks
import FabricProtos
import Ordering
import RaftCore

/// The blocks of a channel that stand in a log alone, checked as if they were applied.
package struct UnappliedBlocks: Sendable {
  /// How many there are.
  package let count: UInt64
  /// The consenters once they are applied.
  package let consenters: ConsenterSet

  /// - Parameters:
  ///   - newest: The newest block of the ledger.
  ///   - config: The consenters of the configuration in force there.
  ///   - entries: In order.
  /// - Throws: ``UnusableBlockMetadata``; `ChannelFault` if a block does not follow on the chain.
  package init(
    behind newest: Block, config: RaftConfig, channelID: String, entries: [Entry]
  ) throws {
    let newest = try NewestBlock(newest, config: config, identity: nil)
    var applier = EntryApplier(
      channelID: channelID, end: newest.end, consenters: newest.consenters,
      raftIndex: newest.metadata.raftIndex)
    var rest = entries[...]
    while let (step, _) = try applier.next(&rest, made: { _ in nil }) {
      guard case .pull(let last) = step else { continue }
      throw ChannelFault(
        """
        the Raft log goes on with block \(last + 1), and the ledger has \(applier.end.height) blocks only
        """)
    }
    count = applier.end.height - newest.end.height
    consenters = applier.consenters
  }

  /// The consenters of a channel, under their ids, as of its newest block.
  package static func consenters(of newest: Block, config: RaftConfig) throws -> (
    set: ConsenterSet, raftIndex: LogIndex
  ) {
    let newest = try NewestBlock(newest, config: config, identity: nil)
    return (newest.consenters, newest.metadata.raftIndex)
  }
}
