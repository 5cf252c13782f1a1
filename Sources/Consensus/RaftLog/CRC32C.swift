// The checksum of etcd's log and snapshot files.

import CCRC32C

/// CRC-32C (Castagnoli), continued from record to record.
package enum CRC32C {
  /// The checksum of what `crc` is the checksum of, followed by `bytes`.
  package static func update(_ crc: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBytes { heddle_crc32c(crc, $0.baseAddress, $0.count) }
  }

  package static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 { update(0, bytes) }
}
