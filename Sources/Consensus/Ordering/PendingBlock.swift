// A batch on its way to becoming a block.

/// What becomes one block.
package struct PendingBlock: Sendable {
  /// The messages, in order.
  package var batch: [OrderedMessage]
  /// What the consenter wants to find in the newest block after a restart, as it should appear
  /// there (see `ConsenterMetadata`); empty for nothing.
  package var consenterMetadata: [UInt8]

  package init(batch: [OrderedMessage], consenterMetadata: [UInt8] = []) {
    self.batch = batch
    self.consenterMetadata = consenterMetadata
  }
}
