// A whole block as the ledger takes it: its data hash is known to be right.

import FabricProtos

/// A block with its metadata, ready to be laid out in a block file.
///
/// Like ``AssembledBlock`` it proves that its data was hashed. The ledger does not check its
/// signatures.
package struct SealedBlock: Sendable {
  private let assembled: AssembledBlock
  /// Serialized `common.Metadata` entries, indexed by `common.BlockMetadataIndex`.
  package let metadata: [[UInt8]]
  /// Bytes of its record in a block file, without the length prefix.
  let recordSize: Int

  /// Completes a block.
  package init(_ assembled: AssembledBlock, metadata: [[UInt8]]) {
    self.assembled = assembled
    self.metadata = metadata
    recordSize = RecordLayout.size(
      of: assembled.header, data: assembled.data, metadata: metadata)
  }

  /// Checks the data hash of a block that somebody else made.
  package init(verifying block: Block) throws(WrongDataHash) {
    self.init(
      try AssembledBlock(verifying: block.header, data: block.data), metadata: block.metadata)
  }

  package var header: BlockHeader { assembled.header }
  package var number: UInt64 { assembled.header.number }
  /// SHA-256 of the header's ASN.1 form, which the next block names.
  package var hash: [UInt8] { assembled.hash }
  package var block: Block {
    Block(header: assembled.header, data: assembled.data, metadata: metadata)
  }

  /// Its record in memory of its own.
  var record: BlockRecord {
    BlockRecord(layingOut: assembled.header, data: assembled.data, metadata: metadata)
  }

  /// Lays out its record behind its length prefix at the end of `bytes`.
  func layOut(in bytes: inout [UInt8]) -> RecordLayout {
    RecordLayout(
      appending: assembled.header, data: assembled.data, metadata: metadata, size: recordSize,
      to: &bytes)
  }

  /// Bytes of its record with the length prefix.
  var storedSize: Int { Varint.size(UInt64(recordSize)) + recordSize }

  /// Whether its record can be read back.
  var isWithinLimits: Bool {
    recordSize <= BlockRecord.maximumSize && assembled.data.count <= BlockRecord.maximumEntries
      && metadata.count <= BlockRecord.maximumEntries
  }
}
