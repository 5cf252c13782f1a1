// What the core has cut and the ledger does not have yet.

import Blocks
import Ordering

/// The blocks between core and ledger.
///
/// A core and a ledger that disagree on the number of a block would fork the channel, so both ends are
/// checked: blocks come from the core without gaps, and the ledger grows by what was written.
struct BlockQueue: Sendable {
  private var group = GroupCommit()
  /// Number of the newest block that came from the core.
  private var newest: UInt64
  /// Persisted offset of the newest block that waits.
  private(set) var persisted: Int64 = 0

  init(newestBlock: UInt64) { newest = newestBlock }

  var isEmpty: Bool { group.isEmpty }
  /// Whether the blocks should be written before another one joins them.
  var isFull: Bool { group.isFull }

  /// Takes a block from the core.
  mutating func add(
    _ batch: [OrderedMessage], _ number: UInt64, _ offsets: KafkaOffsets
  ) throws(ChannelFault) {
    try take(number)
    group.add(
      PendingBlock(batch: batch, consenterMetadata: ConsenterMetadata.wrap(offsets.serialized())))
    persisted = offsets.lastPersisted
  }

  /// Takes the number of a config block, which does not wait with others.
  mutating func take(_ number: UInt64) throws(ChannelFault) {
    guard number == newest + 1 else {
      throw .broken("block \(number) was cut after block \(newest)")
    }
    newest = number
  }

  /// The blocks that wait, in order.
  mutating func takeAll() -> [PendingBlock] { group.take() }

  /// Compares the ledger with what was written.
  ///
  /// - Parameter height: The ledger's number of blocks, once all of them are written.
  func check(height: UInt64) throws(ChannelFault) {
    guard height == newest + 1 else {
      throw .broken("block \(newest) was written, but the ledger has \(height) blocks")
    }
  }
}
