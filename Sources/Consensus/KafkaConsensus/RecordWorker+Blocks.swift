// How blocks get into the ledger.

import Blocks
import Ordering

extension RecordWorker {
  /// Lets a block wait for others that are cut from what was read together, up to a limit.
  mutating func write(
    _ batch: [OrderedMessage], _ number: UInt64, _ offsets: KafkaOffsets
  ) async throws {
    try blocks.add(batch, number, offsets)
    if blocks.isFull { try await flush() }
  }

  /// Writes a config block, which takes effect before the next record.
  mutating func writeConfig(
    _ message: OrderedMessage, _ number: UInt64, _ offsets: KafkaOffsets
  ) async throws {
    try await flush()
    try blocks.take(number)
    try await chain.support.writeConfig(
      message, consenterMetadata: ConsenterMetadata.wrap(offsets.serialized()))
    try blocks.check(height: chain.support.height)
    chain.lastPersisted.record(offsets.lastPersisted)
  }

  /// Writes the blocks that wait.
  mutating func flush() async throws {
    guard !blocks.isEmpty else { return }
    let cut = blocks.takeAll()
    let limits = try context().limits
    for block in cut { try block.check(limits) }
    try await chain.support.write(cut)
    try blocks.check(height: chain.support.height)
    chain.lastPersisted.record(blocks.persisted)
  }
}
