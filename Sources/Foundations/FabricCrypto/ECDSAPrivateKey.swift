// An ECDSA private key that signs as Fabric does: over SHA-256, with low S.

import Crypto
import Foundation

/// A private key on a NIST curve.
package struct ECDSAPrivateKey: Sendable {
  private enum Key: Sendable {
    case p256(P256.Signing.PrivateKey)
    case p384(P384.Signing.PrivateKey)
    case p521(P521.Signing.PrivateKey)
  }

  private let key: Key

  /// The public half.
  package let publicKey: ECDSAPublicKey

  /// Reads the first private key of a PEM text: PKCS#8 (`PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
  /// Other blocks, such as `EC PARAMETERS`, are passed over. Encrypted keys are refused.
  package init(pem: String) throws(CryptoError) {
    try self.init(pem: Array(pem.utf8))
  }

  /// Reads the first private key of a PEM text given as bytes.
  package init(pem: [UInt8]) throws(CryptoError) {
    try self.init(der: PrivateKey.der(ofPEM: pem))
  }

  /// Reads a key in DER: PKCS#8 or SEC 1.
  package init(der: [UInt8]) throws(CryptoError) {
    if let p256 = try? P256.Signing.PrivateKey(derRepresentation: der) {
      key = .p256(p256)
      publicKey = try ECDSAPublicKey(
        uncompressedPoint: Array(p256.publicKey.x963Representation), curve: .p256)
    } else if let p384 = try? P384.Signing.PrivateKey(derRepresentation: der) {
      key = .p384(p384)
      publicKey = try ECDSAPublicKey(
        uncompressedPoint: Array(p384.publicKey.x963Representation), curve: .p384)
    } else if let p521 = try? P521.Signing.PrivateKey(derRepresentation: der) {
      key = .p521(p521)
      publicKey = try ECDSAPublicKey(
        uncompressedPoint: Array(p521.publicKey.x963Representation), curve: .p521)
    } else {
      throw .invalidPrivateKey("not an ECDSA key on P-256, P-384 or P-521 in PKCS#8 or SEC 1 form")
    }
  }

  /// A new random key.
  package static func generate(curve: ECDSACurve = .p256) throws(CryptoError) -> ECDSAPrivateKey {
    switch curve {
    case .p256: try ECDSAPrivateKey(der: Array(P256.Signing.PrivateKey().derRepresentation))
    case .p384: try ECDSAPrivateKey(der: Array(P384.Signing.PrivateKey().derRepresentation))
    case .p521: try ECDSAPrivateKey(der: Array(P521.Signing.PrivateKey().derRepresentation))
    }
  }

  /// The key in PKCS#8 PEM.
  package var pkcs8PEM: [UInt8] {
    let der: Data
    switch key {
    case .p256(let key): der = key.derRepresentation
    case .p384(let key): der = key.derRepresentation
    case .p521(let key): der = key.derRepresentation
    }
    return PEM.encode(type: "PRIVATE KEY", der: Array(der))
  }

  /// A wire-form signature with low S over SHA-256 of the concatenation of `parts`.
  package func sign(_ parts: [ArraySlice<UInt8>]) throws(CryptoError) -> [UInt8] {
    var hasher = SHA256Hasher()
    for part in parts { hasher.update(part) }
    let digest = hasher.digest()
    let raw: Data
    do {
      switch key {
      case .p256(let key): raw = try key.signature(for: digest).rawRepresentation
      case .p384(let key): raw = try key.signature(for: digest).rawRepresentation
      case .p521(let key): raw = try key.signature(for: digest).rawRepresentation
      }
    } catch {
      throw .signingFailed("\(error)")
    }
    return ECDSASignatureFormat.encodeLowS(raw: Array(raw), curve: publicKey.curve)
  }

  /// A wire-form signature with low S over SHA-256 of `message`.
  package func sign(_ message: ArraySlice<UInt8>) throws(CryptoError) -> [UInt8] {
    try sign([message])
  }
}
