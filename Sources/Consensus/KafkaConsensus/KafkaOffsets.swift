// What a block tells of the topic: where to read on after a restart.

import FabricProtos

/// The consenter metadata of a block (Fabric: `KafkaMetadata`).
package struct KafkaOffsets: Sendable, Equatable {
  /// Offset of the newest record that this block and those before it account for.
  package var lastPersisted: Int64
  /// Original offset of the newest re-submitted message that was put into a block. Others with this
  /// or a lower original offset are copies.
  package var lastOriginalProcessed: Int64
  /// Offset of the newest config message that was re-submitted.
  package var lastResubmittedConfig: Int64

  package init(
    lastPersisted: Int64, lastOriginalProcessed: Int64, lastResubmittedConfig: Int64
  ) {
    self.lastPersisted = lastPersisted
    self.lastOriginalProcessed = lastOriginalProcessed
    self.lastResubmittedConfig = lastResubmittedConfig
  }

  /// Before the first record that the topic still has.
  package static let beginning = KafkaOffsets(
    lastPersisted: -3, lastOriginalProcessed: 0, lastResubmittedConfig: 0)

  /// Whether no record has been accounted for yet.
  package var isBeginning: Bool { lastPersisted < 0 }

  /// Reads the metadata of a channel's newest block; a block without any, such as a genesis block, is
  /// at the ``beginning``.
  ///
  /// - Throws: ``CorruptMetadata``.
  package init(metadata: [UInt8]) throws(CorruptMetadata) {
    guard !metadata.isEmpty else {
      self = .beginning
      return
    }
    let message: Orderer_KafkaMetadata
    do {
      message = try Orderer_KafkaMetadata(serializedBytes: metadata)
    } catch { throw CorruptMetadata(reason: "it is no KafkaMetadata") }
    guard message.lastOffsetPersisted >= 0, message.lastOffsetPersisted < .max else {
      throw CorruptMetadata(reason: "its offset is \(message.lastOffsetPersisted)")
    }
    lastPersisted = message.lastOffsetPersisted
    lastOriginalProcessed = message.lastOriginalOffsetProcessed
    lastResubmittedConfig = message.lastResubmittedConfigOffset
  }

  /// The bytes that go into a block, equal to those of the Go implementation.
  package func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    for (number, value) in [lastPersisted, lastOriginalProcessed, lastResubmittedConfig]
      .enumerated()
    where value != 0 {
      bytes.append(UInt8(number + 1) << 3)
      Varint.append(UInt64(bitPattern: value), to: &bytes)
    }
    return bytes
  }
}

/// The newest block of a channel has no usable consenter metadata.
package struct CorruptMetadata: Error, CustomStringConvertible {
  package let reason: String

  package var description: String {
    "the consenter metadata of the newest block cannot be used (\(reason)); the ledger may be damaged"
  }
}
