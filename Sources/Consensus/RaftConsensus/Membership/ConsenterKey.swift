// By what a node recognizes itself among the consenters.

import FabricCrypto

/// The public key of a TLS certificate. A certificate that was renewed with the same key still is the
/// same node's.
package struct ConsenterKey: Sendable, Hashable {
  /// The SubjectPublicKeyInfo in DER.
  private let bytes: [UInt8]

  /// The key of a certificate in DER; nil if that is none.
  package init?(certificate: [UInt8]) {
    guard let info = PublicKey.subjectPublicKeyInfo(ofCertificate: certificate) else { return nil }
    bytes = Array(info)
  }

  /// The key in the first PEM block of a text; nil if there is no certificate in it.
  package init?(pem: [UInt8]) {
    guard let (block, _) = PEM.decodeFirst(pem[...]) else { return nil }
    self.init(certificate: block.der)
  }
}
