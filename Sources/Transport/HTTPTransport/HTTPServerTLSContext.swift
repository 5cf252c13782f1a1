// TLS settings as Fabric's (common/fabhttp), for BoringSSL.

import NIOCore
import NIOSSL

enum HTTPServerTLSContext {
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

  /// - Throws: ``HTTPServerError`` naming the setting.
  static func make(
    _ tls: HTTPServerTLS, name: HTTPServerName
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
          + "\(error)")
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
