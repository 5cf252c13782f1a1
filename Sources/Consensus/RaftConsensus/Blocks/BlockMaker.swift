// The blocks that a leader has made and that are not in its ledger yet.

import BlockLedger
import Blocks
import Ordering
import RaftCore

/// Makes the blocks of a channel's leader, each behind the one that it made before, and bounds how many
/// are under way.
///
/// A value without clock or I/O. A node makes one when it begins to lead, and forgets it when it ceases to:
/// what of its blocks was not agreed on by then never was a block.
package struct BlockMaker: Sendable {
  /// Blocks under way at most.
  package static let maximumCount = 32
  /// Bytes of entries under way at most, unless one block has more.
  package static let maximumBytes = 3 << 20

  private struct InFlight {
    let block: AssembledBlock
    /// Of its entry's data.
    let bytes: Int
    /// Where its entry is in the log; nil until it is proposed.
    var position: LogPosition?
  }

  private var assembler: BlockAssembler
  /// In the order of their numbers.
  private var inFlight: [InFlight] = []
  private var bytes = 0

  /// - Parameter end: Behind the newest block of the ledger, once all that is in the log is there.
  package init(at end: ChainEnd) { assembler = BlockAssembler(at: end) }

  /// Blocks under way.
  package var count: Int { inFlight.count }

  /// Whether another block may be made now.
  package var hasRoom: Bool { count < Self.maximumCount && bytes < Self.maximumBytes }

  /// Makes the next block, and the data of its entry.
  package mutating func make(
    _ batch: [OrderedMessage]
  ) -> (block: AssembledBlock, entry: [UInt8]) {
    let block = assembler.assemble(batch.map(\.envelope.bytes))
    let entry = EntryBlock.serialized(block)
    inFlight.append(InFlight(block: block, bytes: entry.count))
    bytes += entry.count
    return (block, entry)
  }

  /// The newest block was proposed.
  package mutating func proposed(at position: LogPosition) {
    guard !inFlight.isEmpty else { return }
    inFlight[inFlight.count - 1].position = position
  }

  /// The block whose entry is here; nil if it was not made here. An entry with this index and term is the one
  /// that was proposed with them, so its data need not be read and hashed again.
  package func block(at position: LogPosition) -> AssembledBlock? {
    inFlight.first { $0.position == position }?.block
  }

  /// The blocks below `height` are in the ledger.
  package mutating func applied(below height: UInt64) {
    let done = inFlight.prefix { $0.block.header.number < height }
    bytes -= done.reduce(0) { $0 + $1.bytes }
    inFlight.removeFirst(done.count)
  }
}
