// SHA-256 over bytes in one piece, over slices without joining them, and piece by piece.

import Crypto

/// SHA-256 of bytes that are at hand.
package enum SHA256Digest {
  /// The length of a digest in bytes.
  package static let byteCount = 32

  /// The 32-byte digest of an array.
  package static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var hasher = SHA256Hasher()
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// The 32-byte digest of a slice.
  package static func hash(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var hasher = SHA256Hasher()
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// The 32-byte digest of the concatenation of `parts`, without joining them.
  package static func hash(_ parts: [ArraySlice<UInt8>]) -> [UInt8] {
    var hasher = SHA256Hasher()
    for part in parts { hasher.update(part) }
    return hasher.finalize()
  }

  /// The 32-byte digest of any sequence of bytes; the fallback for what is neither array nor slice.
  package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    hash(Array(bytes))
  }
}

/// SHA-256 that is fed piece by piece.
package struct SHA256Hasher {
  private var state = SHA256()

  /// Starts with nothing hashed.
  package init() {}

  /// Adds the bytes of an array.
  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
  }

  /// Adds the bytes of a slice.
  package mutating func update(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
  }

  /// The 32-byte digest of everything added so far. More may be added afterwards.
  package func finalize() -> [UInt8] {
    digest().withUnsafeBytes { Array($0) }
  }

  /// The digest in the form swift-crypto signs and verifies.
  func digest() -> SHA256.Digest {
    state.finalize()
  }
}

/// SHA-384, which an MSP may choose to identify certificate chains with.
package enum SHA384Digest {
  /// The 48-byte digest of the concatenation of `parts`.
  package static func hash(_ parts: [ArraySlice<UInt8>]) -> [UInt8] {
    var state = SHA384()
    for part in parts { part.withUnsafeBytes { state.update(bufferPointer: $0) } }
    return state.finalize().withUnsafeBytes { Array($0) }
  }
}
