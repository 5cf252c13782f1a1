// What must hold of a batch before a block is made of it.

extension PendingBlock {
  /// What must hold of a batch of normal messages, whoever cut it, before a block is made of it: the block
  /// could not be taken back.
  ///
  /// - Parameter limits: Those of the configuration in force.
  /// - Throws: What does not hold.
  package func check(_ limits: BatchLimits) throws(ChannelFault) {
    guard !batch.isEmpty else { throw .broken("a batch without messages was cut") }
    guard batch.count <= limits.maxMessageCount else {
      throw .broken(
        "a batch of \(batch.count) messages was cut, and \(limits.maxMessageCount) are allowed")
    }
    var size = 0
    for message in batch {
      guard !message.isConfig else { throw .broken("a config message was cut into a batch") }
      size += message.size
    }
    guard batch.count == 1 || size <= limits.preferredMaxBytes else {
      throw .broken(
        "a batch of \(size) bytes was cut, and \(limits.preferredMaxBytes) are preferred")
    }
  }
}
