// An ECDSA public key that verifies what Fabric signs: SHA-256 digests, low-S signatures.

import Crypto
import Foundation
import P256Tables

/// A public key on a NIST curve. Making the library's key is expensive, so keep and reuse this
/// value.
package struct ECDSAPublicKey: Sendable, Hashable, CustomStringConvertible {
  private enum Key: Sendable {
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
    case p521(P521.Signing.PublicKey)
  }

  private let key: Key

  /// The uncompressed point: `04`, x, y. 65 bytes on P-256, 97 on P-384, 133 on
  /// P-521.
  package let uncompressedPoint: [UInt8]

  /// The curve the key is on.
  package var curve: ECDSACurve {
    switch key {
    case .p256: .p256
    case .p384: .p384
    case .p521: .p521
    }
  }

  /// Reads a DER SubjectPublicKeyInfo. Accepts only uncompressed points of named curves, as Go's
  /// `crypto/x509` does.
  package init(derSubjectPublicKeyInfo: [UInt8]) throws(CryptoError) {
    try self.init(subjectPublicKeyInfo: derSubjectPublicKeyInfo[...])
  }

  /// Reads a DER SubjectPublicKeyInfo out of a larger array.
  package init(subjectPublicKeyInfo: ArraySlice<UInt8>) throws(CryptoError) {
    for curve in [ECDSACurve.p256, .p384, .p521] {
      let prefix = curve.subjectPublicKeyInfoPrefix
      guard subjectPublicKeyInfo.starts(with: prefix) else { continue }
      try self.init(
        uncompressedPoint: Array(subjectPublicKeyInfo.dropFirst(prefix.count)), curve: curve)
      return
    }
    throw .invalidPublicKey(
      "not an ECDSA key on P-256, P-384 or P-521 in the form of a DER SubjectPublicKeyInfo")
  }

  init(uncompressedPoint: [UInt8], curve: ECDSACurve) throws(CryptoError) {
    guard uncompressedPoint.count == 2 * curve.coordinateByteCount + 1,
      uncompressedPoint.first == 0x04
    else {
      throw .invalidPublicKey("the point is not in its uncompressed form")
    }
    do {
      switch curve {
      case .p256: key = .p256(try P256.Signing.PublicKey(x963Representation: uncompressedPoint))
      case .p384: key = .p384(try P384.Signing.PublicKey(x963Representation: uncompressedPoint))
      case .p521: key = .p521(try P521.Signing.PublicKey(x963Representation: uncompressedPoint))
      }
    } catch {
      throw .invalidPublicKey("the point is not on the curve")
    }
    self.uncompressedPoint = uncompressedPoint
  }

  /// The DER SubjectPublicKeyInfo.
  package var subjectPublicKeyInfoDER: [UInt8] {
    curve.subjectPublicKeyInfoPrefix + uncompressedPoint
  }

  /// The key's name in Fabric's key stores: SHA-256 of the uncompressed point, 32 bytes.
  /// Fabric: `bccsp/sw` (`SKI`).
  package var subjectKeyIdentifier: [UInt8] {
    SHA256Digest.hash(uncompressedPoint)
  }

  /// Whether `signature` is a wire-form signature with low S over SHA-256 of `message`.
  /// Malformed, high-S and wrong signatures are all just `false`.
  package func isValid(signature: ArraySlice<UInt8>, for message: ArraySlice<UInt8>) -> Bool {
    // The cheap check first: what cannot be a signature costs no hashing.
    guard let raw = ECDSASignatureFormat.rawLowS(signature, curve: curve) else { return false }
    var hasher = SHA256Hasher()
    hasher.update(message)
    return isValid(raw: raw, digest: hasher.digest())
  }

  /// The same over the concatenation of `parts`, without joining them.
  package func isValid(
    signature: ArraySlice<UInt8>, forMessageParts parts: [ArraySlice<UInt8>]
  ) -> Bool {
    isValid(signature: signature, forMessageParts: parts, table: nil)
  }

  /// The same, with the table of this key if there is one: the verdict does not depend on that.
  func isValid(
    signature: ArraySlice<UInt8>, forMessageParts parts: [ArraySlice<UInt8>],
    table: VerificationTable?
  ) -> Bool {
    guard let raw = ECDSASignatureFormat.rawLowS(signature, curve: curve) else { return false }
    var hasher = SHA256Hasher()
    for part in parts { hasher.update(part) }
    let digest = hasher.digest()
    guard let table else { return isValid(raw: raw, digest: digest) }
    return digest.withUnsafeBytes { table.isValid(rawSignature: raw, digest: $0) }
  }

  /// The same for a message that has been hashed already. A digest that is not 32 bytes long is `false`.
  package func isValid(signature: ArraySlice<UInt8>, forDigest digest: [UInt8]) -> Bool {
    guard digest.count == SHA256Digest.byteCount,
      let raw = ECDSASignatureFormat.rawLowS(signature, curve: curve)
    else { return false }
    return isValid(raw: raw, digest: PrehashedDigest(bytes: digest))
  }

  private func isValid(raw: [UInt8], digest: some Digest) -> Bool {
    switch key {
    case .p256(let key):
      guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw) else {
        return false
      }
      return key.isValidSignature(signature, for: digest)
    case .p384(let key):
      guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: raw) else {
        return false
      }
      return key.isValidSignature(signature, for: digest)
    case .p521(let key):
      guard let signature = try? P521.Signing.ECDSASignature(rawRepresentation: raw) else {
        return false
      }
      return key.isValidSignature(signature, for: digest)
    }
  }

  /// Keys are the same when their points are.
  package static func == (left: Self, right: Self) -> Bool {
    left.uncompressedPoint == right.uncompressedPoint
  }

  /// Hashes the point.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(uncompressedPoint)
  }

  /// The curve and the key's identifier in hexadecimal.
  package var description: String {
    "ECDSA \(curve) key \(hexadecimal(subjectKeyIdentifier.prefix(8)))…"
  }
}

/// A digest that was computed elsewhere, in the shape the library asks for.
private struct PrehashedDigest: Digest {
  static var byteCount: Int { SHA256Digest.byteCount }

  let bytes: [UInt8]

  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes(body)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(bytes)
  }
}
