// A whole block as the ledger takes it: its data hash is known to be right, its bytes are laid out.

import FabricProtos

/// A block with its metadata, laid out as the record that goes into a block file.
///
/// Like ``AssembledBlock`` it proves that its data was hashed. The ledger does not check its
/// signatures.
package struct SealedBlock: Sendable {
  private let assembled: AssembledBlock
  /// Serialized `common.Metadata` entries, indexed by `common.BlockMetadataIndex`.
  package let metadata: [[UInt8]]
  let record: BlockRecord

  /// Completes a block.
  package init(_ assembled: AssembledBlock, metadata: [[UInt8]]) {
    self.assembled = assembled
    self.metadata = metadata
    record = BlockRecord(
      layingOut: assembled.header, data: assembled.data, metadata: metadata)
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
}
