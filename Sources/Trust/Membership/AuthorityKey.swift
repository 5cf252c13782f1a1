// The key of a CA, which vouches for certificates and revocation lists.

import Crypto
import X509
import _CryptoExtras

/// A CA's key. CAs may have more kinds of keys than identities.
struct AuthorityKey: Sendable {
  private let key: Certificate.PublicKey

  /// Reads a DER SubjectPublicKeyInfo; nil for a key that verifies nothing here.
  init?(subjectPublicKeyInfo: ArraySlice<UInt8>) {
    if let key = try? Certificate.PublicKey(derEncoded: subjectPublicKeyInfo) {
      self.key = key
    } else if let rsa = try? _RSA.Signing.PublicKey(unsafeDERRepresentation: subjectPublicKeyInfo) {
      // The library calls RSA keys of 1024 to 2047 bits unsafe, and they are. Fabric takes such CAs.
      key = Certificate.PublicKey(rsa)
    } else {
      return nil
    }
  }

  /// Whether this key made `signature` over `bytes`. RSA over SHA-1 counts only where it is allowed.
  func isValid(
    _ signature: ArraySlice<UInt8>, over bytes: ArraySlice<UInt8>,
    algorithm: CertificateSignatureAlgorithm, allowSHA1: Bool
  ) -> Bool {
    if case .rsaPSS(let hash) = algorithm {
      return isValidPSS(signature, over: bytes, hash: hash)
    }
    guard let algorithm = algorithm.libraryAlgorithm(allowSHA1: allowSHA1) else { return false }
    return key.isValidSignature(signature, for: bytes, signatureAlgorithm: algorithm)
  }

  private func isValidPSS(
    _ signature: ArraySlice<UInt8>, over bytes: ArraySlice<UInt8>, hash: PSSHash
  ) -> Bool {
    guard let key = _RSA.Signing.PublicKey(key) else { return false }
    let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
    switch hash {
    case .sha256:
      return key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: .PSS)
    case .sha384:
      return key.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: .PSS)
    case .sha512:
      return key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: .PSS)
    }
  }
}
