// TLS settings as Fabric's (common/fabhttp), for BoringSSL.

import NIOCore
import NIOSSL
import Sockets
import Synchronization

/// TLS of the connections of a server to come.
final class HTTPServerTLSContext: Sendable {
  private struct Current {
    let context: NIOSSLContext
    let clientVerification: HTTPServerTLS.ClientVerification?
  }

  /// The suites of Fabric's comm package; TLS 1.3 has its own.
  private static let cipherSuites: [NIOTLSCipher] = [
    .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    .TLS_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_RSA_WITH_AES_256_GCM_SHA384,
  ]
  /// How long a closing connection waits for the client's `close_notify`.
  private static let shutdownTimeout = TimeAmount.seconds(2)

  private let name: HTTPServerName
  private let current: Mutex<Current>

  /// - Throws: ``HTTPServerError`` naming the setting.
  init(_ tls: HTTPServerTLS, name: HTTPServerName) throws(HTTPServerError) {
    self.name = name
    current = Mutex(try Self.make(tls, name))
  }

  /// Replaces everything for the handshakes to come.
  ///
  /// - Throws: ``HTTPServerError`` naming the setting; nothing is replaced then.
  func update(_ tls: HTTPServerTLS) throws(HTTPServerError) {
    let updated = try Self.make(tls, name)
    current.withLock { $0 = updated }
  }

  /// TLS of a new connection.
  func session() -> HTTPServerTLSSession {
    let refusal = HTTPServerTLSSession.Refusal()
    let current = current.withLock { $0 }
    guard let verify = current.clientVerification else {
      return HTTPServerTLSSession(
        handler: NIOSSLServerHandler(context: current.context), refusal: refusal)
    }
    let handler = NIOSSLServerHandler(
      context: current.context,
      customVerificationCallback: { certificates, verdict in
        let reason: String?
        do { reason = verify(try certificates.map { try $0.toDERBytes() }) } catch {
          reason = "\(error)"
        }
        refusal.reason.withLock { $0 = reason }
        verdict.succeed(reason == nil ? .certificateVerified : .failed)
      })
    return HTTPServerTLSSession(handler: handler, refusal: refusal)
  }

  private static func make(
    _ tls: HTTPServerTLS, _ name: HTTPServerName
  ) throws(HTTPServerError) -> Current {
    Current(context: try context(tls, name), clientVerification: tls.clientVerification)
  }

  private static func context(
    _ tls: HTTPServerTLS, _ name: HTTPServerName
  ) throws(HTTPServerError) -> NIOSSLContext {
    let chain = try certificates(tls.certificateChain, "\(name.tlsSection).Certificate", name)
    var roots: [NIOSSLCertificate] = []
    for root in tls.clientRoots {
      roots += try certificates(root, "\(name.tlsSection).ClientRootCAs", name)
    }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(bytes: tls.privateKey, format: .pem)
    } catch {
      throw HTTPServerError(
        cannotStart: name, "\(name.tlsSection).PrivateKey is not a PEM private key: \(error)")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.cipherSuiteValues = cipherSuites
    configuration.shutdownTimeout = shutdownTimeout
    // A certificate that is presented must be good in either case; only servers have names to check.
    configuration.certificateVerification =
      tls.requiresClientCertificate ? .noHostnameVerification : .optionalVerification
    configuration.trustRoots = .certificates(roots)
    // Clients with several certificates choose by it.
    configuration.sendCANameList = true
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw HTTPServerError(
        cannotStart: name,
        "\(name.tlsSection).Certificate and \(name.tlsSection).PrivateKey cannot be used together: "
          + TLSReason.text("\(error)"))
    }
  }

  private static func certificates(
    _ pem: [UInt8], _ setting: String, _ name: HTTPServerName
  ) throws(HTTPServerError) -> [NIOSSLCertificate] {
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
      if !certificates.isEmpty { return certificates }
    } catch {
      throw HTTPServerError(
        cannotStart: name, "\(setting) is not a PEM certificate: \(error)")
    }
    throw HTTPServerError(cannotStart: name, "there is no PEM certificate in \(setting)")
  }
}

/// TLS of one connection.
struct HTTPServerTLSSession {
  let handler: NIOSSLServerHandler
  let refusal: Refusal

  /// Why a client's certificate was refused; nil if it was not.
  final class Refusal: Sendable {
    let reason = Mutex<String?>(nil)
  }
}
