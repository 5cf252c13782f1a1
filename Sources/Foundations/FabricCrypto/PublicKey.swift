// The public key of an identity, whatever its algorithm.

import SwiftASN1

/// A key that verifies what an identity signed: low-S ECDSA over SHA-256, or Ed25519 over the message.
/// Whether an MSP accepts such keys is another question (`KeyRules` in Membership).
package enum PublicKey: Sendable, Hashable, CustomStringConvertible {
  case ecdsa(ECDSAPublicKey)
  case ed25519(Ed25519PublicKey)

  /// Reads a DER SubjectPublicKeyInfo out of a larger array.
  package init(subjectPublicKeyInfo: ArraySlice<UInt8>) throws(CryptoError) {
    if let key = try? Ed25519PublicKey(subjectPublicKeyInfo: subjectPublicKeyInfo) {
      self = .ed25519(key)
    } else if let key = try? ECDSAPublicKey(subjectPublicKeyInfo: subjectPublicKeyInfo) {
      self = .ecdsa(key)
    } else {
      throw .invalidPublicKey(
        "not an ECDSA key on P-256, P-384 or P-521 and not an Ed25519 key; use a certificate with "
          + "one of these")
    }
  }

  /// Reads the public key of a DER certificate without looking at anything else in it.
  package init(certificateDER: [UInt8]) throws(CryptoError) {
    guard let info = Self.subjectPublicKeyInfo(ofCertificate: certificateDER) else {
      throw .invalidPublicKey("the certificate is malformed")
    }
    try self.init(subjectPublicKeyInfo: info)
  }

  /// The key's name in Fabric's key stores, 32 bytes. Fabric: `SKI` of `bccsp/sw`.
  package var subjectKeyIdentifier: [UInt8] {
    switch self {
    case .ecdsa(let key): key.subjectKeyIdentifier
    case .ed25519(let key): key.subjectKeyIdentifier
    }
  }

  /// Whether `signature` is this key's over `message`. Malformed, high-S and wrong signatures are all
  /// just `false`.
  package func isValid(signature: ArraySlice<UInt8>, for message: ArraySlice<UInt8>) -> Bool {
    switch self {
    case .ecdsa(let key): key.isValid(signature: signature, for: message)
    case .ed25519(let key): key.isValid(signature: signature, forMessageParts: [message])
    }
  }

  /// The same over the concatenation of `parts`.
  package func isValid(
    signature: ArraySlice<UInt8>, forMessageParts parts: [ArraySlice<UInt8>]
  ) -> Bool {
    switch self {
    case .ecdsa(let key): key.isValid(signature: signature, forMessageParts: parts)
    case .ed25519(let key): key.isValid(signature: signature, forMessageParts: parts)
    }
  }

  /// The algorithm and the key's identifier in hexadecimal.
  package var description: String {
    switch self {
    case .ecdsa(let key): key.description
    case .ed25519(let key): key.description
    }
  }

  /// The SubjectPublicKeyInfo's bytes inside a DER certificate, whatever the key's algorithm; nil if the
  /// certificate is malformed.
  package static func subjectPublicKeyInfo(
    ofCertificate certificate: [UInt8]
  ) -> ArraySlice<UInt8>? {
    guard let root = try? DER.parse(certificate),
      case .constructed(let outer) = root.content,
      let tbs = outer.first(where: { _ in true }),
      case .constructed(let fields) = tbs.content
    else { return nil }
    // serial, signature, issuer, validity, subject, then the key; ahead of them maybe the version.
    let version = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
    var index = 0
    for field in fields {
      if index == 0, field.identifier == version { continue }
      if index == 5 { return field.encodedBytes }
      index += 1
    }
    return nil
  }
}
