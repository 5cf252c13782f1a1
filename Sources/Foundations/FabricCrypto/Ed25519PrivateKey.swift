// An Ed25519 private key.

import Crypto
import SwiftASN1

/// A private key on Curve25519.
package struct Ed25519PrivateKey: Sendable {
  private let key: Curve25519.Signing.PrivateKey

  /// The public half.
  package let publicKey: Ed25519PublicKey

  /// A new random key.
  package init() throws(CryptoError) {
    try self.init(key: Curve25519.Signing.PrivateKey())
  }

  /// Reads a key in DER: PKCS#8, as RFC 8410 has it. Attributes and a public key behind the private
  /// one are not looked at, as in Go.
  package init(der: [UInt8]) throws(CryptoError) {
    guard let seed = Self.seed(inPKCS8: der) else {
      throw .invalidPrivateKey("not an Ed25519 key in PKCS#8 form")
    }
    do {
      try self.init(key: Curve25519.Signing.PrivateKey(rawRepresentation: seed))
    } catch let error as CryptoError {
      throw error
    } catch {
      throw .invalidPrivateKey("an Ed25519 key has 32 bytes, not \(seed.count)")
    }
  }

  private init(key: Curve25519.Signing.PrivateKey) throws(CryptoError) {
    self.key = key
    publicKey = try Ed25519PublicKey(rawBytes: Array(key.publicKey.rawRepresentation))
  }

  private static let pkcs8Prefix: [UInt8] = [
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]

  private static func seed(inPKCS8 der: [UInt8]) -> ArraySlice<UInt8>? {
    guard let root = try? DER.parse(der), root.identifier == .sequence,
      case .constructed(let fields) = root.content
    else { return nil }
    var iterator = fields.makeIterator()
    guard (try? Int(derEncoded: &iterator)) != nil,
      let algorithm = iterator.next(), algorithm.encodedBytes == Self.pkcs8Prefix[5..<12],
      let wrapped = try? ASN1OctetString(derEncoded: &iterator),
      let seed = try? ASN1OctetString(derEncoded: DER.parse(wrapped.bytes))
    else { return nil }
    return seed.bytes
  }

  /// The key in PKCS#8 PEM.
  package var pkcs8PEM: [UInt8] {
    PEM.encode(type: "PRIVATE KEY", der: Self.pkcs8Prefix + key.rawRepresentation)
  }

  /// A signature of 64 bytes over the concatenation of `parts`, which must not be empty.
  package func sign(_ parts: [ArraySlice<UInt8>]) throws(CryptoError) -> [UInt8] {
    let message = Array(parts.joined())
    guard !message.isEmpty else { throw .signingFailed("there is nothing to sign") }
    do {
      return Array(try key.signature(for: message))
    } catch {
      throw .signingFailed("\(error)")
    }
  }
}
