// TLS of the server: material, settings as Fabric's, and trust roots that change at run time.

import Logging
import NIOCore
import NIOSSL
import Sockets
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

/// Material that cannot be used.
package struct GRPCTLSError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// The TLS context for new connections.
final class TLSContexts: Sendable {
  /// The suites of Fabric's comm package that HTTP/2 permits (RFC 9113, 9.2.2); TLS 1.3 has its
  /// own.
  static let cipherSuites: [NIOTLSCipher] = [
    .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  ]
  /// How long a closing connection waits for the client's `close_notify`.
  private static let shutdownTimeout = TimeAmount.seconds(2)

  private let base: TLSConfiguration
  private let requiresClientCertificate: Bool
  private let context: Mutex<NIOSSLContext>

  init(_ tls: GRPCServerTLS) throws(GRPCTLSError) {
    let chain = try Self.certificates(chain: tls.certificateChain)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) },
      privateKey: .privateKey(try Self.privateKey(tls.privateKey)))
    configuration.minimumTLSVersion = .tlsv12
    configuration.cipherSuiteValues = Self.cipherSuites
    configuration.applicationProtocols = ["h2"]
    configuration.shutdownTimeout = Self.shutdownTimeout
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
      roots = try Self.certificates(trustRoots)
    }
    base = configuration
    context = Mutex(try Self.makeContext(base, roots: roots))
  }

  /// The context for the next connection.
  var current: NIOSSLContext { context.withLock { $0 } }

  /// Replaces the roots for the handshakes to come. Without client authentication nothing changes.
  func updateTrustRoots(_ pemOrDER: [[UInt8]]) throws(GRPCTLSError) {
    guard requiresClientCertificate else { return }
    let updated = try Self.makeContext(base, roots: Self.certificates(pemOrDER))
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

  private static func certificates(
    chain pem: [UInt8]
  ) throws(GRPCTLSError) -> [NIOSSLCertificate] {
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
      if !certificates.isEmpty { return certificates }
    } catch {
      throw GRPCTLSError(description: "cannot read the server's TLS certificate: \(error)")
    }
    throw GRPCTLSError(
      description: "there is no PEM certificate in the server's TLS certificate")
  }

  private static func privateKey(_ pem: [UInt8]) throws(GRPCTLSError) -> NIOSSLPrivateKey {
    do {
      return try NIOSSLPrivateKey(bytes: pem, format: .pem)
    } catch {
      throw GRPCTLSError(description: "cannot read the server's TLS private key: \(error)")
    }
  }

  private static func certificates(_ roots: [[UInt8]]) throws(GRPCTLSError) -> [NIOSSLCertificate] {
    var certificates: [NIOSSLCertificate] = []
    for root in roots {
      do {
        // DER begins with the tag of a SEQUENCE, PEM with text.
        if root.first == 0x30 {
          certificates.append(try NIOSSLCertificate(bytes: root, format: .der))
        } else {
          certificates.append(contentsOf: try NIOSSLCertificate.fromPEMBytes(root))
        }
      } catch {
        throw GRPCTLSError(description: "cannot read a root certificate for TLS clients: \(error)")
      }
    }
    return certificates
  }
}

/// How a TLS error is reported; nil for other errors.
struct TLSFailure {
  let level: Logger.Level
  let text: String

  init?(_ error: any Error) {
    switch error {
    case NIOSSLError.handshakeFailed(let reason):
      self.init(handshake: TLSReason.text("\(reason)"))
    case is BoringSSLError, is NIOSSLExtraError:
      self.init(handshake: TLSReason.text("\(error)"))
    case is NIOSSLError, is NIOSSLCloseTimedOutError:
      // Clients that vanish without close_notify are everyday life.
      self.init(level: .debug, text: "\(error)")
    default:
      return nil
    }
  }

  private init(level: Logger.Level, text: String) {
    self.level = level
    self.text = text
  }

  /// Names of BoringSSL's reasons that are about a certificate, found by either side.
  private static let certificateReasons = [
    "CERTIFICATE_VERIFY_FAILED", "PEER_DID_NOT_RETURN_A_CERTIFICATE", "BAD_CERTIFICATE",
    "UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED",
    "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REQUIRED",
  ]

  private init(handshake reason: String) {
    if Self.certificateReasons.contains(where: reason.contains) {
      // The words that operators' scripts wait for are those of Go's TLS.
      self.init(level: .error, text: "tls: bad certificate (\(reason))")
    } else if reason.contains("EOF during handshake") {
      self.init(level: .debug, text: reason)
    } else {
      self.init(level: .warning, text: reason)
    }
  }
}
