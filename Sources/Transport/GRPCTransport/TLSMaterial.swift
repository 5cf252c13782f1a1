// Certificates and keys for BoringSSL, and what both sides of a connection set.

import NIOCore
import NIOSSL

/// Material that cannot be used.
package struct GRPCTLSError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// Reads TLS material.
enum TLSMaterial {
  /// The suites of Fabric's comm package that HTTP/2 permits (RFC 9113, 9.2.2); TLS 1.3 has its
  /// own.
  static let cipherSuites: [NIOTLSCipher] = [
    .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  ]
  /// How long a closing connection waits for the peer's `close_notify`.
  static let shutdownTimeout = TimeAmount.seconds(2)

  /// - Parameter subject: whose they are, for the error.
  static func certificates(
    chain pem: [UInt8], of subject: String
  ) throws(GRPCTLSError) -> [NIOSSLCertificate] {
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
      if !certificates.isEmpty { return certificates }
    } catch {
      throw GRPCTLSError(description: "cannot read \(subject): \(error)")
    }
    throw GRPCTLSError(description: "there is no PEM certificate in \(subject)")
  }

  static func privateKey(
    _ pem: [UInt8], of subject: String
  ) throws(GRPCTLSError) -> NIOSSLPrivateKey {
    do {
      return try NIOSSLPrivateKey(bytes: pem, format: .pem)
    } catch {
      throw GRPCTLSError(description: "cannot read the private key of \(subject): \(error)")
    }
  }

  /// The public key of a certificate: its SubjectPublicKeyInfo in DER.
  static func publicKey(of pemOrDER: [UInt8]) throws(GRPCTLSError) -> [UInt8] {
    do {
      if let certificate = try read(pemOrDER).first {
        return try certificate.extractPublicKey().toSPKIBytes()
      }
    } catch {
      throw GRPCTLSError(description: "cannot read the certificate of a server: \(error)")
    }
    throw GRPCTLSError(description: "there is no PEM certificate where a server's is expected")
  }

  private static func read(_ pemOrDER: [UInt8]) throws -> [NIOSSLCertificate] {
    // DER begins with the tag of a SEQUENCE, PEM with text.
    pemOrDER.first == 0x30
      ? [try NIOSSLCertificate(bytes: pemOrDER, format: .der)]
      : try NIOSSLCertificate.fromPEMBytes(pemOrDER)
  }
}
