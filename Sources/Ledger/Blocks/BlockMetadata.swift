// What stands where in the metadata of a block, and reading it.

import FabricProtos
import Foundation

/// The layout of a block's metadata: one serialized `common.Metadata` per slot, in the order of
/// `common.BlockMetadataIndex`.
package enum BlockMetadata {
  /// Slots of every block.
  package static let count = 5

  /// Slots with nothing in them.
  package static var empty: [[UInt8]] { [[UInt8]](repeating: [], count: count) }
}

/// How solo, Kafka and Raft put their metadata into a block. BFT stores its metadata as it is.
package enum ConsenterMetadata {
  /// A serialized `common.Metadata` without signatures that holds `value`.
  package static func wrap(_ value: [UInt8]) -> [UInt8] {
    guard !value.isEmpty else { return [] }
    var bytes: [UInt8] = [0x0A]
    bytes.reserveCapacity(1 + Varint.maximumSize + value.count)
    Varint.append(UInt64(value.count), to: &bytes)
    return bytes + value
  }

  /// The value in a serialized `common.Metadata`; nil if the bytes are not one.
  package static func unwrap(_ bytes: [UInt8]) -> [UInt8]? {
    (try? Common_Metadata(serializedBytes: bytes)).map { [UInt8]($0.value) }
  }
}

extension Block {
  /// Number of the newest block that holds the channel's configuration, as of this one.
  ///
  /// It stands in the signed metadata since Fabric 1.4.1, and in a slot of its own in all versions; a
  /// genesis block may have neither and is its own config block.
  ///
  /// - Parameter channelID: The channel that the error names.
  /// - Throws: ``BlockError`` if the block is not a genesis block and tells no number.
  package func lastConfigIndex(channelID: String) throws(BlockError) -> UInt64 {
    if header.number == 0 { return 0 }
    if let index = signedMetadata?.lastConfigIndex { return index }
    // Number 0 serializes to nothing. Before Fabric 1.4.1 that is all a block has to say until the first
    // update of the configuration.
    guard let slot = metadataSlot(.lastConfig),
      let lastConfig = try? Common_LastConfig(serializedBytes: slot.value)
    else {
      throw BlockError(
        channelID: channelID, reason: "block \(header.number) does not tell its last config block")
    }
    return lastConfig.index
  }

  /// The metadata of a consenter that wraps it (solo, Kafka, Raft), as it gave it; empty if there is none.
  package func consenterMetadata() -> [UInt8] {
    if let sealed = signedMetadata?.consenterMetadata, !sealed.isEmpty,
      let value = ConsenterMetadata.unwrap(sealed)
    {
      return value
    }
    return [UInt8](metadataSlot(.orderer)?.value ?? Data())
  }

  /// The consenter's metadata as it stands in the signed part, wrapped or not; empty if there is none.
  package func sealedConsenterMetadata() -> [UInt8] { signedMetadata?.consenterMetadata ?? [] }

  /// The signatures on the block, and what they cover; nil if the slot is not readable.
  package var signatures: Common_Metadata? { metadataSlot(.signatures) }

  private var signedMetadata: (lastConfigIndex: UInt64?, consenterMetadata: [UInt8])? {
    guard let value = signatures?.value, !value.isEmpty,
      let signed = try? Common_OrdererBlockMetadata(serializedBytes: value)
    else { return nil }
    return (
      signed.hasLastConfig ? signed.lastConfig.index : nil, [UInt8](signed.consenterMetadata)
    )
  }

  private func metadataSlot(_ index: Common_BlockMetadataIndex) -> Common_Metadata? {
    guard metadata.indices.contains(index.rawValue) else { return nil }
    return try? Common_Metadata(serializedBytes: metadata[index.rawValue])
  }
}
