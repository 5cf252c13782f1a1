// A certificate and the key that belongs to it, as this node shows them to others.

import FabricCrypto
import GRPCTransport
import Membership
import RaftConsensus

/// What files hold; whether it can be used, ``check()`` tells.
struct KeyPair: Sendable, Equatable {
  /// The certificate, then its intermediates, in PEM.
  let certificateChain: [UInt8]
  /// In PEM.
  let privateKey: [UInt8]
  /// The certificate in DER; empty if the text holds none.
  let certificate: [UInt8]
  /// By which other nodes know this one; nil if the text holds no certificate.
  let key: ConsenterKey?

  init(certificateChain: [UInt8], privateKey: [UInt8]) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    certificate = PEM.decodeFirst(certificateChain[...])?.block.der ?? []
    key = ConsenterKey(certificate: certificate)
  }

  /// SHA-256 of the certificate in DER; empty if there is none.
  var certificateHash: [UInt8] { certificate.isEmpty ? [] : SHA256Digest.hash(certificate) }

  /// The last second at which the certificate is valid, since 1970; nil if it cannot be read.
  var notAfter: Int64? { try? TLSCertificate(der: certificate).notAfter }

  /// Checks that the key belongs to the certificate, and that both can be used.
  ///
  /// - Throws: Why not.
  func check() throws(GRPCDialError) {
    try GRPCClientTLS(certificateChain: certificateChain, privateKey: privateKey) { _, _ in nil }
      .check()
  }
}
