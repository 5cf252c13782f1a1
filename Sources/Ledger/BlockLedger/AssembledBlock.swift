// A block before it is sealed: header and data, with a data hash that is known to be right.

import FabricCrypto
import FabricProtos

/// Header and data of a block without its metadata.
///
/// Its existence proves that the data hash in its header is right: making one either computes that
/// hash or compares it. Later steps need not hash the data again.
package struct AssembledBlock: Sendable {
  package let header: BlockHeader
  /// Serialized envelopes, in order.
  package let data: [[UInt8]]
  /// The header's ASN.1 form, which block signatures cover.
  package let headerBytes: [UInt8]
  /// SHA-256 of ``headerBytes``, which the next block names.
  package let hash: [UInt8]

  /// Computes the data hash of a new block.
  package init(number: UInt64, previousHash: [UInt8], data: [[UInt8]]) {
    self.init(
      BlockHeader(number: number, previousHash: previousHash, dataHash: Self.hash(of: data)), data)
  }

  /// Checks the data hash of a block that somebody else assembled.
  package init(verifying header: BlockHeader, data: [[UInt8]]) throws(WrongDataHash) {
    guard header.dataHash == Self.hash(of: data) else { throw WrongDataHash(number: header.number) }
    self.init(header, data)
  }

  private init(_ header: BlockHeader, _ data: [[UInt8]]) {
    self.header = header
    self.data = data
    headerBytes = header.derBytes()
    hash = SHA256Digest.hash(headerBytes)
  }

  /// SHA-256 of the entries, concatenated.
  private static func hash(of data: [[UInt8]]) -> [UInt8] {
    var hasher = SHA256Hasher()
    for entry in data { hasher.update(entry) }
    return hasher.finalize()
  }
}

/// The data hash in a block's header is not that of the block's data.
package struct WrongDataHash: Error, Equatable, CustomStringConvertible {
  /// The number in the block's header.
  package let number: UInt64

  package init(number: UInt64) { self.number = number }

  package var description: String { "the data hash of block \(number) is not that of its data" }
}
