// Signature algorithms of certificates and revocation lists.

import SwiftASN1
import X509

/// The algorithm a CA signed with.
enum CertificateSignatureAlgorithm: Sendable, Hashable {
  case ecdsa(Certificate.SignatureAlgorithm)
  /// ECDSA over SHA-1, which nobody accepts but which counts as ECDSA.
  case ecdsaWithSHA1
  case rsa(Certificate.SignatureAlgorithm)
  /// RSA over SHA-1: accepted on revocation lists only, as Go does.
  case rsaWithSHA1
  case ed25519
  case unknown(ASN1ObjectIdentifier)

  init(_ identifier: ASN1ObjectIdentifier) {
    switch identifier {
    case [1, 2, 840, 10045, 4, 1]: self = .ecdsaWithSHA1
    case [1, 2, 840, 10045, 4, 3, 2]: self = .ecdsa(.ecdsaWithSHA256)
    case [1, 2, 840, 10045, 4, 3, 3]: self = .ecdsa(.ecdsaWithSHA384)
    case [1, 2, 840, 10045, 4, 3, 4]: self = .ecdsa(.ecdsaWithSHA512)
    case [1, 2, 840, 113549, 1, 1, 5]: self = .rsaWithSHA1
    case [1, 2, 840, 113549, 1, 1, 11]: self = .rsa(.sha256WithRSAEncryption)
    case [1, 2, 840, 113549, 1, 1, 12]: self = .rsa(.sha384WithRSAEncryption)
    case [1, 2, 840, 113549, 1, 1, 13]: self = .rsa(.sha512WithRSAEncryption)
    case [1, 3, 101, 112]: self = .ed25519
    default: self = .unknown(identifier)
    }
  }

  /// Whether the signature is one of those that come as a pair of equals, high S and low S.
  var isECDSA: Bool {
    switch self {
    case .ecdsa, .ecdsaWithSHA1: true
    default: false
    }
  }

  /// What the library calls it; nil if it does not verify such signatures.
  func libraryAlgorithm(allowSHA1: Bool) -> Certificate.SignatureAlgorithm? {
    switch self {
    case .ecdsa(let algorithm), .rsa(let algorithm): algorithm
    case .ed25519: .ed25519
    case .rsaWithSHA1: allowSHA1 ? .sha1WithRSAEncryption : nil
    case .ecdsaWithSHA1, .unknown: nil
    }
  }

  /// Reads the object identifier of a DER AlgorithmIdentifier.
  init(algorithmIdentifier node: ASN1Node) throws {
    guard case .constructed(let children) = node.content, node.identifier == .sequence else {
      throw CertificateProblem("malformed signature algorithm")
    }
    var iterator = children.makeIterator()
    self.init(try ASN1ObjectIdentifier(derEncoded: &iterator))
  }
}
