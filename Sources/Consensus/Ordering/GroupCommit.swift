// The blocks that become durable together, so that one synchronization with the disk serves them all.

/// Blocks that were cut from messages that arrived together and wait to be written together.
///
/// None of them is visible before all are durable, so there are few.
package struct GroupCommit: Sendable {
  /// Blocks that are written together at most. The first waits for the others to be hashed and signed,
  /// which takes some 30 µs each.
  package static let maximumCount = 32
  /// Bytes of envelopes that are written together at most, unless one block has more.
  package static let maximumBytes = 4 << 20

  private var blocks: [PendingBlock] = []
  private var bytes = 0

  package init() {}

  package var isEmpty: Bool { blocks.isEmpty }

  /// Whether the blocks should be written before another one joins them.
  package var isFull: Bool { blocks.count >= Self.maximumCount || bytes >= Self.maximumBytes }

  package mutating func add(_ block: PendingBlock) {
    blocks.append(block)
    bytes += block.batch.reduce(0) { $0 + $1.envelope.bytes.count }
  }

  /// The blocks, in order; the next group is empty.
  package mutating func take() -> [PendingBlock] {
    defer { self = GroupCommit() }
    return blocks
  }
}
