// When a batch is full.

import ChannelConfig

/// When a batch is full.
package struct BatchLimits: Sendable, Equatable {
  /// Messages in a block, at least 1.
  package var maxMessageCount: Int
  /// Bytes of a block that only a single larger message exceeds.
  package var preferredMaxBytes: Int

  package init(maxMessageCount: Int, preferredMaxBytes: Int) {
    self.maxMessageCount = maxMessageCount
    self.preferredMaxBytes = preferredMaxBytes
  }

  /// What a channel's configuration says.
  package init(_ size: OrdererGroupConfig.BatchSize) {
    self.init(
      maxMessageCount: Int(size.maxMessageCount), preferredMaxBytes: Int(size.preferredMaxBytes))
  }
}
