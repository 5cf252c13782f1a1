// What the index and the process remember of a block, to know it again.

import FabricProtos

/// What tells a record from any other, as far as accidents go.
struct BlockFingerprint: Equatable, Sendable {
  /// Of the function that ``ContentChecksum`` is. Fingerprints of another one are of no use.
  static let version: UInt8 = 1

  /// Bytes of the record without the length in front of it, at most ``BlockRecord/maximumSize``.
  var size: Int
  var checksum: UInt64

  /// Bytes of the record with the length in front of it.
  var storedSize: Int { Varint.size(UInt64(size)) + size }
}
