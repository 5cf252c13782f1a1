// A block as it was found in a block file.

import FabricProtos
import NIOCore

/// A block in a file.
package struct StoredBlock: Sendable {
  /// The file that has it.
  package let file: String
  /// Where its record begins in the file, in bytes.
  package let offset: Int64
  /// Bytes of the record, with its length prefix.
  package let storedBytes: Int
  private let record: BlockRecord

  init(file: String, offset: Int64, end: Int64, record: BlockRecord) {
    self.file = file
    self.offset = offset
    storedBytes = Int(end - offset)
    self.record = record
  }

  package var header: BlockHeader { record.header }
  /// The block, with copies of its entries.
  package var block: Block { record.block }
  /// Number of data entries.
  package var entryCount: Int { record.data.count }
  /// SHA-256 of the header's ASN.1 form.
  package var headerHash: [UInt8] { record.headerHash }
  /// Whether the data hash in the header is that of the data.
  package var hasValidDataHash: Bool { record.hasValidDataHash }
  /// The block as Deliver sends it.
  package var wireForm: ByteBuffer { record.wireForm() }
}
