// An Ed25519 public key. Fabric 3.0 and later: `bccsp/sw/ed25519.go`.

import Crypto

/// A public key on Curve25519. Signatures have 64 bytes and are over the message itself, not a hash.
package struct Ed25519PublicKey: Sendable, Hashable, CustomStringConvertible {
  /// Bytes of a key.
  package static let byteCount = 32
  /// Bytes of a signature.
  package static let signatureByteCount = 64

  private let key: Curve25519.Signing.PublicKey

  /// The key as RFC 8032 encodes it, 32 bytes.
  package let rawBytes: [UInt8]

  /// Accepts any encoded key. Bytes that encode no point verify nothing, as in Go.
  package init(rawBytes: [UInt8]) throws(CryptoError) {
    do {
      key = try Curve25519.Signing.PublicKey(rawRepresentation: rawBytes)
    } catch {
      throw .invalidPublicKey("an Ed25519 key has \(Self.byteCount) bytes, not \(rawBytes.count)")
    }
    self.rawBytes = rawBytes
  }

  /// Reads a DER SubjectPublicKeyInfo out of a larger array.
  package init(subjectPublicKeyInfo: ArraySlice<UInt8>) throws(CryptoError) {
    guard subjectPublicKeyInfo.starts(with: Self.subjectPublicKeyInfoPrefix) else {
      throw .invalidPublicKey("not an Ed25519 key in the form of a DER SubjectPublicKeyInfo")
    }
    try self.init(
      rawBytes: Array(subjectPublicKeyInfo.dropFirst(Self.subjectPublicKeyInfoPrefix.count)))
  }

  /// What precedes the key in a SubjectPublicKeyInfo. DER has one form for each value, so comparing
  /// with it is as strict as parsing.
  static let subjectPublicKeyInfoPrefix: [UInt8] = [
    0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
  ]

  /// The DER SubjectPublicKeyInfo.
  package var subjectPublicKeyInfoDER: [UInt8] {
    Self.subjectPublicKeyInfoPrefix + rawBytes
  }

  /// The key's name in Fabric's key stores: SHA-256 of its 32 bytes.
  package var subjectKeyIdentifier: [UInt8] {
    SHA256Digest.hash(rawBytes)
  }

  /// Whether `signature` is one over the concatenation of `parts`, which the algorithm needs in one
  /// piece. An empty message has no valid signature: Fabric refuses to look at one.
  package func isValid(
    signature: ArraySlice<UInt8>, forMessageParts parts: [ArraySlice<UInt8>]
  ) -> Bool {
    guard signature.count == Self.signatureByteCount else { return false }
    guard parts.count != 1 else { return isValid(signature, parts[0]) }
    return isValid(signature, Array(parts.joined())[...])
  }

  private func isValid(_ signature: ArraySlice<UInt8>, _ message: ArraySlice<UInt8>) -> Bool {
    !message.isEmpty && key.isValidSignature(signature, for: message)
  }

  /// Keys are the same when their bytes are.
  package static func == (left: Self, right: Self) -> Bool {
    left.rawBytes == right.rawBytes
  }

  /// Hashes the bytes.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(rawBytes)
  }

  /// The algorithm and the key's identifier in hexadecimal.
  package var description: String {
    "Ed25519 key \(hexadecimal(subjectKeyIdentifier.prefix(8)))…"
  }
}
