// TLS of the server: material, settings as Fabric's, and judgement on clients that changes at run time.

import NIOCore
import NIOSSL
import Sockets
import Synchronization

/// TLS material of a server.
package struct GRPCServerTLS: Sendable {
  /// Judges a client's certificates: in DER, its own first. On an event loop.
  ///
  /// - Returns: Why they are not trusted; nil if they are.
  package typealias Verification = @Sendable (_ certificates: [[UInt8]]) -> String?

  package enum ClientAuthentication: Sendable {
    /// Clients are asked for a certificate, and whatever they show is taken, as is none. That they have the key of
    /// what they show is certain (Go: `tls.RequestClientCert`, which Fabric's servers do at least). Handlers have
    /// to judge it.
    case requested
    /// Clients must show a certificate that passes. This can be replaced with `updateClientVerification`.
    case required(Verification)
  }

  /// PEM text of the server's certificate, then of its intermediates.
  package var certificateChain: [UInt8]
  /// PEM text.
  package var privateKey: [UInt8]
  package var clientAuthentication: ClientAuthentication
  /// Whether handlers may ask connections of TLS 1.3 for keying material (``TLSExporter``). Then a secret of each is kept.
  package var exportsKeyingMaterial: Bool

  package init(
    certificateChain: [UInt8], privateKey: [UInt8],
    clientAuthentication: ClientAuthentication = .requested, exportsKeyingMaterial: Bool = false
  ) {
    self.exportsKeyingMaterial = exportsKeyingMaterial
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientAuthentication = clientAuthentication
  }
}

/// The TLS context for new connections, and who is let in.
final class TLSContexts: Sendable {
  private struct Current {
    var configuration: TLSConfiguration
    var context: NIOSSLContext
    var verify: GRPCServerTLS.Verification

    init(
      _ configuration: TLSConfiguration, verify: @escaping GRPCServerTLS.Verification
    ) throws(GRPCTLSError) {
      self.configuration = configuration
      self.verify = verify
      do {
        context = try NIOSSLContext(configuration: configuration)
      } catch {
        throw GRPCTLSError(
          description: "the TLS certificate and private key of the server cannot be used together: "
            + TLSReason.text("\(error)"))
      }
    }
  }

  /// Nil unless keying material may be asked for.
  let exporters: ExporterTable?
  private let current: Mutex<Current>

  init(_ tls: GRPCServerTLS) throws(GRPCTLSError) {
    let exporters = tls.exportsKeyingMaterial ? ExporterTable() : nil
    self.exporters = exporters
    var configuration = try Self.configuration(
      certificateChain: tls.certificateChain, privateKey: tls.privateKey)
    configuration.minimumTLSVersion = .tlsv12
    configuration.cipherSuiteValues = TLSMaterial.cipherSuites
    configuration.applicationProtocols = ["h2"]
    configuration.shutdownTimeout = TLSMaterial.shutdownTimeout
    // The request for a certificate names no CAs: Go's clients show none if its issuer is not among those named.
    configuration.trustRoots = .certificates([])
    configuration.sendCANameList = false
    if let exporters { configuration.keyLogCallback = { exporters.note($0) } }
    let verify: GRPCServerTLS.Verification
    switch tls.clientAuthentication {
    case .requested:
      configuration.certificateVerification = .optionalVerification
      verify = { _ in nil }
    case .required(let verification):
      // BoringSSL demands a certificate; the callback judges it instead of BoringSSL.
      configuration.certificateVerification = .noHostnameVerification
      verify = verification
    }
    current = Mutex(try Current(configuration, verify: verify))
  }

  /// The handler for the next connection.
  ///
  /// - Parameter refusal: Gets to know why a client is refused.
  func makeHandler(refusal: TLSRefusal) -> NIOSSLServerHandler {
    let (context, verify) = current.withLock { ($0.context, $0.verify) }
    return NIOSSLServerHandler(
      context: context,
      customVerificationCallback: { certificates, verdict in
        let chain = certificates.compactMap { try? $0.toDERBytes() }
        let reason = verify(chain)
        refusal.note(reason)
        verdict.succeed(reason == nil ? .certificateVerified : .failed)
      })
  }

  /// Replaces the judgement for the handshakes to come. Tickets of earlier sessions, which would go past it, are
  /// worth nothing from then on. Where clients are only asked, nothing changes.
  func update(_ verify: @escaping GRPCServerTLS.Verification) throws(GRPCTLSError) {
    try current.withLock { current throws(GRPCTLSError) in
      guard current.configuration.certificateVerification == .noHostnameVerification else { return }
      current = try Current(current.configuration, verify: verify)
    }
  }

  /// Shows this certificate in the handshakes to come.
  func update(certificateChain: [UInt8], privateKey: [UInt8]) throws(GRPCTLSError) {
    let renewed = try Self.configuration(certificateChain: certificateChain, privateKey: privateKey)
    try current.withLock { current throws(GRPCTLSError) in
      var configuration = current.configuration
      configuration.certificateChain = renewed.certificateChain
      configuration.privateKey = renewed.privateKey
      current = try Current(configuration, verify: current.verify)
    }
  }

  private static func configuration(
    certificateChain: [UInt8], privateKey: [UInt8]
  ) throws(GRPCTLSError) -> TLSConfiguration {
    let chain = try TLSMaterial.certificates(
      chain: certificateChain, of: "the server's TLS certificate")
    return TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) },
      privateKey: .privateKey(
        try TLSMaterial.privateKey(privateKey, of: "the server's TLS certificate")))
  }
}
