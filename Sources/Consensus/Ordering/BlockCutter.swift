// Decides which messages share a block.

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
  /// - Returns: The batches that are complete now, at most two: the messages that were pending, if the new
  ///   one does not fit in with them, and then the batch that the new one completes, if it does.
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
