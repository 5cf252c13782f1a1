// What the index and the process remember of a block, to recognize it.

import FabricProtos

/// Tells a record from any other that an accident might produce.
struct BlockFingerprint: Equatable, Sendable {
  /// The version of the function ``ContentChecksum``. Fingerprints of another version are of no
  /// use.
  static let version: UInt8 = 1

  /// Bytes of the record without the length in front of it, at most ``BlockRecord/maximumSize``.
  var size: Int
  var checksum: UInt64

  /// Bytes of the record with the length in front of it.
  var storedSize: Int { Varint.size(UInt64(size)) + size }
}
