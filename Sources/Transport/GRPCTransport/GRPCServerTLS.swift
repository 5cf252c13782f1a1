// TLS of the server: material, settings as Fabric's, and trust roots that change at run time.

import NIOCore
import NIOSSL
import Synchronization

/// TLS material of a server.
package struct GRPCServerTLS: Sendable {
  package enum ClientAuthentication: Sendable {
    /// Clients are not asked for a certificate.
    case none
    /// Clients must present a certificate that chains to one of these roots, each a DER certificate
    /// or PEM text of one or more. They can be replaced with `updateClientTrustRoots`.
    case required(trustRoots: [[UInt8]])
  }

  /// PEM text of the server's certificate, then of its intermediates.
  package var certificateChain: [UInt8]
  /// PEM text.
  package var privateKey: [UInt8]
  package var clientAuthentication: ClientAuthentication

  package init(
    certificateChain: [UInt8], privateKey: [UInt8],
    clientAuthentication: ClientAuthentication = .none
  ) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientAuthentication = clientAuthentication
  }
}

/// The TLS context for new connections.
final class TLSContexts: Sendable {
  private let base: TLSConfiguration
  private let requiresClientCertificate: Bool
  private let context: Mutex<NIOSSLContext>

  init(_ tls: GRPCServerTLS) throws(GRPCTLSError) {
    let chain = try TLSMaterial.certificates(
      chain: tls.certificateChain, of: "the server's TLS certificate")
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) },
      privateKey: .privateKey(
        try TLSMaterial.privateKey(tls.privateKey, of: "the server's TLS certificate")))
    configuration.minimumTLSVersion = .tlsv12
    configuration.cipherSuiteValues = TLSMaterial.cipherSuites
    configuration.applicationProtocols = ["h2"]
    configuration.shutdownTimeout = TLSMaterial.shutdownTimeout
    var roots: [NIOSSLCertificate] = []
    switch tls.clientAuthentication {
    case .none:
      requiresClientCertificate = false
      configuration.certificateVerification = .none
    case .required(let trustRoots):
      requiresClientCertificate = true
      // Only servers have names to check; BoringSSL requires and verifies the chain, at the present
      // time, for the purpose of client authentication.
      configuration.certificateVerification = .noHostnameVerification
      roots = try TLSMaterial.certificates(trustRoots)
    }
    base = configuration
    context = Mutex(try Self.makeContext(base, roots: roots))
  }

  /// The context for the next connection.
  var current: NIOSSLContext { context.withLock { $0 } }

  /// Replaces the roots for the handshakes to come. Without client authentication nothing changes.
  func updateTrustRoots(_ pemOrDER: [[UInt8]]) throws(GRPCTLSError) {
    guard requiresClientCertificate else { return }
    let updated = try Self.makeContext(base, roots: TLSMaterial.certificates(pemOrDER))
    context.withLock { $0 = updated }
  }

  private static func makeContext(
    _ base: TLSConfiguration, roots: [NIOSSLCertificate]
  ) throws(GRPCTLSError) -> NIOSSLContext {
    var configuration = base
    configuration.trustRoots = .certificates(roots)
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw GRPCTLSError(
        description: "the TLS certificate and private key of the server cannot be used together: "
          + "\(error)")
    }
  }
}
