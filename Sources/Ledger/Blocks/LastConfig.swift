// Which block holds the newest configuration, while blocks are made.

import FabricProtos

/// The block with the newest configuration of a channel, and that configuration's sequence.
///
/// The first block with a higher sequence becomes the new one. A block that creates a channel
/// leaves the sequence of its own channel alone, so it never does.
package struct LastConfig: Sendable, Equatable {
  package private(set) var block: UInt64
  package private(set) var sequence: UInt64

  package init(block: UInt64, sequence: UInt64) {
    self.block = block
    self.sequence = sequence
  }

  /// Notes that a block is made under a configuration; for a config block, that is the one it
  /// holds.
  package mutating func note(block number: UInt64, sequence current: UInt64) {
    guard current > sequence else { return }
    sequence = current
    block = number
  }
}
