// TLS of the client: this node's material, and who is trusted.

import NIOCore
import NIOSSL

/// TLS material for one connection. As it is a value, what is replaced at run time counts for the next one.
package struct GRPCClientTLS: Sendable {
  /// Judges a server's certificates: in DER, its own first; the host is as it was dialled. On an event loop.
  ///
  /// - Returns: Why they are not trusted; nil if they are.
  package typealias Verification = @Sendable (_ certificates: [[UInt8]], _ host: String) -> String?

  /// PEM text of this node's certificate, then of its intermediates; empty to show none.
  package var certificateChain: [UInt8]
  /// PEM text; empty without a certificate.
  package var privateKey: [UInt8]
  /// The certificate, as PEM text or in DER, whose public key the server must have; nil if any will do.
  package var pinnedCertificate: [UInt8]?
  package var verify: Verification
  /// Whether the connection may be asked for keying material (``GRPCClientConnection/exporter``). Then it is one of TLS
  /// 1.3, or none.
  package var exportsKeyingMaterial: Bool

  package init(
    certificateChain: [UInt8] = [], privateKey: [UInt8] = [], pinnedCertificate: [UInt8]? = nil,
    exportsKeyingMaterial: Bool = false, verify: @escaping Verification
  ) {
    self.exportsKeyingMaterial = exportsKeyingMaterial
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.pinnedCertificate = pinnedCertificate
    self.verify = verify
  }
}

extension GRPCClientTLS {
  /// Checks that the material can be used.
  ///
  /// - Throws: ``GRPCDialError/unusable(_:)``
  package func check() throws(GRPCDialError) { _ = try ClientTLSSession(self, host: "") }
}

/// What ``GRPCClientTLS`` becomes for one handshake.
struct ClientTLSSession: Sendable {
  /// Nil unless keying material may be asked for.
  let exporters: ExporterTable?
  private let context: NIOSSLContext
  private let pinnedKey: [UInt8]?
  private let verify: GRPCClientTLS.Verification
  private let host: String

  /// - Throws: ``GRPCDialError/unusable(_:)``
  init(_ tls: GRPCClientTLS, host: String) throws(GRPCDialError) {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = tls.exportsKeyingMaterial ? .tlsv13 : .tlsv12
    let exporters = tls.exportsKeyingMaterial ? ExporterTable() : nil
    if let exporters { configuration.keyLogCallback = { exporters.note($0) } }
    self.exporters = exporters
    configuration.cipherSuiteValues = TLSMaterial.cipherSuites
    configuration.applicationProtocols = ["h2"]
    configuration.shutdownTimeout = TLSMaterial.shutdownTimeout
    // The callback verifies instead. An empty list keeps the system's roots from being loaded.
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    do throws(GRPCTLSError) {
      if !tls.certificateChain.isEmpty {
        configuration.certificateChain = try TLSMaterial.certificates(
          chain: tls.certificateChain, of: "this node's client certificate"
        ).map { .certificate($0) }
        configuration.privateKey = .privateKey(
          try TLSMaterial.privateKey(tls.privateKey, of: "this node's client certificate"))
      }
      pinnedKey = try tls.pinnedCertificate.map { pinned throws(GRPCTLSError) in
        try TLSMaterial.publicKey(of: pinned)
      }
    } catch {
      throw .unusable(error.description)
    }
    do {
      context = try NIOSSLContext(configuration: configuration)
    } catch {
      throw .unusable(
        "this node's TLS client certificate and private key cannot be used together: \(error)")
    }
    verify = tls.verify
    self.host = host
  }

  /// The handler that makes the handshake; it keeps why the server was refused.
  func makeHandler(refusal: TLSRefusal) throws -> NIOSSLClientHandler {
    // Names of servers may be announced, addresses may not (RFC 6066, 3).
    let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
    return try NIOSSLClientHandler(
      context: context, serverHostname: isAddress ? nil : host,
      customVerificationCallback: { [self] certificates, verdict in
        let reason = judge(certificates)
        refusal.note(reason)
        verdict.succeed(reason == nil ? .certificateVerified : .failed)
      })
  }

  private func judge(_ certificates: [NIOSSLCertificate]) -> String? {
    do {
      if let refusal = verify(try certificates.map { try $0.toDERBytes() }, host) { return refusal }
      guard let pinnedKey else { return nil }
      let key = try certificates.first?.extractPublicKey().toSPKIBytes()
      return key == pinnedKey ? nil : "its public key is not the one that belongs to this node"
    } catch {
      return "\(error)"
    }
  }
}
