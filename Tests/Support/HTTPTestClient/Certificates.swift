// TLS with the test network's certificates.

import Foundation
import HTTPTransport
import NIOSSL
import TestSupport

package enum Certificates {
  package static let node = "orderer.test/nodes/node1/tls"

  package static func read(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: Repository.crypto.appending(path: name)))
  }

  package static func server(
    clientRoots: [String] = [], requiresClientCertificate: Bool = false
  ) throws -> HTTPServerTLS {
    HTTPServerTLS(
      certificateChain: try read("\(node)/server.crt"), privateKey: try read("\(node)/server.key"),
      clientRoots: try clientRoots.map(read),
      requiresClientCertificate: requiresClientCertificate)
  }

  /// - Parameter user: whose certificate is presented, such as `org1.test/users/user1/tls`.
  package static func client(
    _ user: String? = nil, maximum: TLSVersion? = nil, minimum: TLSVersion = .tlsv1
  ) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .certificates(
      try NIOSSLCertificate.fromPEMBytes(try read("\(node)/ca.crt")))
    configuration.minimumTLSVersion = minimum
    configuration.maximumTLSVersion = maximum
    if let user {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(try read("\(user).crt"))
        .map { .certificate($0) }
      configuration.privateKey = .privateKey(
        try NIOSSLPrivateKey(bytes: try read("\(user).key"), format: .pem))
    }
    return try NIOSSLContext(configuration: configuration)
  }
}
