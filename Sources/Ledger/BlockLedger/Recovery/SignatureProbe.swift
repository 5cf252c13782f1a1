// The door through which the ledger learns about signatures, which it cannot read itself.

import FabricProtos

/// Tells whether a block's signatures reached the disk. Implemented where signatures are understood, and
/// given to the ledgers when they are opened.
package protocol SignatureProbe: Sendable {
  /// Whether the last of a block's signatures is not the one that was written. It ends with a zero, as one
  /// in 256 does; but so does one whose end never reached the disk.
  ///
  /// - Parameters:
  ///   - metadata: The block's metadata entry with the signatures, as it was read; it may be anything.
  ///   - header: The block's header.
  /// - Returns: False also if the metadata does not tell: there is no such signature, or its signer
  ///   is unknown.
  func isLastSignatureCut(_ metadata: [UInt8], of header: BlockHeader) -> Bool
}
