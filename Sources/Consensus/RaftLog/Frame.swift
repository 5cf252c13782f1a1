// How a record of the log is framed: a head of 8 bytes, the record, zeros up to a multiple of 8.

import Foundation

/// The head of a frame (etcd: `encodeFrameSize`): the lower 56 bits are the record's size; the highest byte is
/// 0, or 0x80 and the number of zeros behind the record. A head of 0 ends a segment.
struct FrameHead: Equatable, Sendable {
  static let size = 8
  /// Frames begin at multiples of this, in bytes.
  static let alignment = 8
  /// The largest record that is read or written, in bytes. Far above what gRPC carries; keeps a damaged
  /// size from exhausting memory.
  static let maximumRecord = 1 << 30

  let recordSize: Int
  let padding: Int

  /// Of the head, the record and the zeros behind it.
  var frameSize: Int { Self.size + recordSize + padding }

  init(recordSize: Int) {
    self.recordSize = recordSize
    padding = (Self.alignment - recordSize % Self.alignment) % Self.alignment
  }

  /// - Returns: nil if no head that etcd writes has this value.
  init?(_ value: UInt64) {
    let size = value & ((1 << 56) - 1)
    guard size > 0, size <= UInt64(Self.maximumRecord) else { return nil }
    self.init(recordSize: Int(size))
    guard self.value == value else { return nil }
  }

  var value: UInt64 {
    UInt64(recordSize) | (padding == 0 ? 0 : UInt64(0x80 | padding) << 56)
  }

  func append(to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
    }
  }

  /// The 8 bytes at `index`, which must be there, as a number.
  static func value(_ bytes: ArraySlice<UInt8>, at index: Int) -> UInt64 {
    bytes.withUnsafeBytes {
      UInt64(
        littleEndian: $0.loadUnaligned(
          fromByteOffset: index - bytes.startIndex, as: UInt64.self))
    }
  }
}

extension ArraySlice<UInt8> {
  /// Whether there is nothing but zeros.
  var isZero: Bool {
    withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let first = bytes.first else { return true }
      // Each byte is the one before it, and the first is 0.
      return first == 0 && memcmp(base, base + 1, bytes.count - 1) == 0
    }
  }
}
