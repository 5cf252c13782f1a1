// Notices a changed bit in a block that was verified before, at a tenth of the price of its SHA-256.

import Synchronization

/// A 64-bit checksum of a record. Not for adversaries: the data hash and the hash chain are for those.
///
/// Four lanes of multiply and rotate, which is as fast as memory. Each step is a bijection of the
/// word that goes in, so that a single changed word always changes the result.
enum ContentChecksum {
  private static let first: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let second: UInt64 = 0xC2B2_AE3D_27D4_EB4F

  static func of(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.withUnsafeBytes { raw in
      var a = first
      var b = second
      var c: UInt64 = 0
      var d = ~first
      var offset = 0
      while raw.count - offset >= 32 {
        a = step(a, raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        b = step(b, raw.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self))
        c = step(c, raw.loadUnaligned(fromByteOffset: offset &+ 16, as: UInt64.self))
        d = step(d, raw.loadUnaligned(fromByteOffset: offset &+ 24, as: UInt64.self))
        offset &+= 32
      }
      var result = step(step(step(step(UInt64(raw.count), a), b), c), d)
      while offset < raw.count {
        result = step(result, UInt64(raw[offset]))
        offset &+= 1
      }
      return result
    }
  }

  @inline(__always)
  private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    let mixed = lane ^ (word &* second)
    return ((mixed << 31) | (mixed >> 33)) &* first
  }
}

/// The checksums of the blocks of one channel that this process has written or verified.
final class Checksums: Sendable {
  private static let chunkSize: UInt64 = 1024
  /// At 8 KiB each, so 16 MiB and two million blocks at most; channels that are not read have none.
  private static let maximumChunks = 2048

  /// By number of the chunk; 0 stands for a checksum that is not known.
  private let chunks = Mutex<[UInt64: [UInt64]]>([:])

  func set(_ number: UInt64, _ checksum: UInt64) {
    chunks.withLock { chunks in
      let key = number / Self.chunkSize
      if chunks[key] == nil {
        // Any will do: what is forgotten is verified again.
        if chunks.count >= Self.maximumChunks, let victim = chunks.keys.first {
          chunks[victim] = nil
        }
        chunks[key] = Array(repeating: 0, count: Int(Self.chunkSize))
      }
      chunks[key]?[Int(number % Self.chunkSize)] = checksum
    }
  }

  func get(_ number: UInt64) -> UInt64? {
    chunks.withLock { chunks in
      guard let known = chunks[number / Self.chunkSize]?[Int(number % Self.chunkSize)], known != 0
      else { return nil }
      return known
    }
  }
}
