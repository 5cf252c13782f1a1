// Decides which messages share a block.

import ChannelConfig
import FabricProtos

/// A message that passed the channel's filters and waits for its place in a block.
package struct OrderedMessage: Sendable {
  /// What becomes an entry of the block's data.
  package let envelope: EnvelopeView
  /// Sequence of the configuration that the message was validated against.
  package let configSequence: UInt64
  /// Whether the message carries a new configuration and so needs a block of its own.
  package let isConfig: Bool

  package init(envelope: EnvelopeView, configSequence: UInt64, isConfig: Bool) {
    self.envelope = envelope
    self.configSequence = configSequence
    self.isConfig = isConfig
  }

  /// Bytes that count towards a batch: payload plus signature (Fabric: `blockcutter`).
  package var size: Int { envelope.payload.count + envelope.signature.count }
}

/// When a batch is full.
package struct BatchLimits: Sendable, Equatable {
  /// Messages in a block, at least 1.
  package var maxMessageCount: Int
  /// Bytes of a block that are only exceeded by a single larger message.
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

/// Groups a sequence of normal messages into batches.
///
/// A value without clock or I/O: the same messages under the same limits give the same batches on
/// every node. The rules are Fabric's (`orderer/common/blockcutter`); the time-out is the chain's.
package struct BlockCutter: Sendable {
  /// Messages that no batch holds yet.
  package private(set) var pending: [OrderedMessage] = []
  private var pendingBytes = 0

  package init() {}

  /// Takes the next message in order.
  ///
  /// - Returns: The batches that are complete now, at most two: messages that the new one would have
  ///   made too large, and then the message alone if it is above the preferred size by itself.
  package mutating func ordered(
    _ message: OrderedMessage, limits: BatchLimits
  ) -> [[OrderedMessage]] {
    let size = message.size
    var batches: [[OrderedMessage]] = []
    if size > limits.preferredMaxBytes {
      if let batch = cut() { batches.append(batch) }
      batches.append([message])
      return batches
    }
    if pendingBytes + size > limits.preferredMaxBytes, let batch = cut() { batches.append(batch) }
    pending.append(message)
    pendingBytes += size
    if pending.count >= limits.maxMessageCount, let batch = cut() { batches.append(batch) }
    return batches
  }

  /// Takes what is pending as a batch; nil if nothing is.
  package mutating func cut() -> [OrderedMessage]? {
    guard !pending.isEmpty else { return nil }
    defer {
      pending = []
      pendingBytes = 0
    }
    return pending
  }
}
