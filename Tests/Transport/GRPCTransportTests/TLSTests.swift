// TLS and mutual TLS with the fixture certificates of the test network.

import Concurrency
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport
import Testing

@testable import GRPCTransport

/// The fixture certificates, as PEM.
enum Fixture {
  static func path(_ name: String) -> String { Repository.crypto.appending(path: name).path }

  static func read(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: Repository.crypto.appending(path: name)))
  }

  static let node = "orderer.test/nodes/node1/tls"

  /// - Parameter users: Whose certificates are let in; nil demands none.
  static func serverTLS(users: [String]? = nil) throws -> GRPCServerTLS {
    GRPCServerTLS(
      certificateChain: try read("\(node)/server.crt"),
      privateKey: try read("\(node)/server.key"),
      clientAuthentication: try users.map { .required(try trusting($0)) } ?? .requested)
  }

  static func trusting(_ users: [String]) throws -> GRPCServerTLS.Verification {
    let known = try users.map(certificate)
    return { shown in
      shown.first.map(known.contains) == true ? nil : "x509: certificate is none of \(known.count)"
    }
  }

  /// A user's certificate in DER.
  static func certificate(_ user: String) throws -> [UInt8] {
    try NIOSSLCertificate.fromPEMBytes(read("\(user)/tls.crt"))[0].toDERBytes()
  }

  static func clientTLS(_ user: String? = nil, root: String = "\(node)/ca.crt") throws
    -> NIOSSLContext
  {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(path(root))
    configuration.applicationProtocols = ["h2"]
    if let user {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(
        path("\(user)/tls.crt")
      ).map { .certificate($0) }
      configuration.privateKey = .privateKey(
        try NIOSSLPrivateKey(file: path("\(user)/tls.key"), format: .pem))
    }
    return try NIOSSLContext(configuration: configuration)
  }
}

@Suite(.sockets) struct TLSTests {
  private let org1User = "org1.test/users/user1"
  private let org2User = "org2.test/users/user1"

  /// Whether a call over TLS succeeds.
  private func works(_ server: TestServer, _ tls: NIOSSLContext) async -> Bool {
    guard let client = try? await TestClient(address: server.address, tls: tls) else {
      return false
    }
    let result = try? await client.call("/test.Echo/Stream", [1, 2])
    await client.close()
    return result?.messages == [[1, 2]]
  }

  @Test func callsWorkOverTLS() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      let client = try await TestClient(address: server.address, tls: Fixture.clientTLS())
      let message = [UInt8](repeating: 1, count: 3_000_000)
      #expect(try await client.call("/test.Echo/Stream", message).messages == [message])
      #expect(try await client.call("/test.Echo/Certificates").messages == [])
      await client.close()
    }
  }

  @Test func theClientsCertificateIsKnownToTheHandler() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(users: [org1User])) { server in
      let client = try await TestClient(
        address: server.address, tls: Fixture.clientTLS(org1User))
      #expect(
        try await client.call("/test.Echo/Certificates").messages
          == [Fixture.certificate(org1User)])
      await client.close()
    }
  }

  @Test func aClientWithoutCertificateIsRefusedAndLogged() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(users: [org1User])) { server in
      let client = try Fixture.clientTLS()
      #expect(!(await works(server, client)))
      try await eventually { server.log.all.contains { $0.contains("tls: bad certificate") } }
    }
  }

  @Test func anUntrustedClientIsRefusedAndLogged() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(users: [org1User])) { server in
      let client = try Fixture.clientTLS(org2User)
      #expect(!(await works(server, client)))
      try await eventually {
        server.log.all.contains {
          $0.contains("tls: bad certificate") && $0.contains("x509: certificate is none of 1")
        }
      }
    }
  }

  @Test func aCertificateThatIsAskedForIsTakenAsItIs() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      for user in [org1User, org2User] {
        let client = try await TestClient(
          address: server.address, tls: Fixture.clientTLS(user))
        #expect(
          try await client.call("/test.Echo/Certificates").messages == [Fixture.certificate(user)])
        await client.close()
      }
      // There is nothing to replace.
      try server.server.updateClientVerification { _ in "x509: nobody" }
      #expect(await works(server, try Fixture.clientTLS()))
    }
  }

  @Test func judgementIsReplacedWhileServing() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(users: [org1User])) { server in
      let org1 = try Fixture.clientTLS(org1User)
      let org2 = try Fixture.clientTLS(org2User)
      #expect(await works(server, org1))
      #expect(!(await works(server, org2)))
      try server.server.updateClientVerification(Fixture.trusting([org2User]))
      #expect(!(await works(server, org1)))
      #expect(await works(server, org2))
      try server.server.updateClientVerification(Fixture.trusting([org1User, org2User]))
      #expect(await works(server, org1))
      #expect(await works(server, org2))
    }
  }

  @Test func aClientThatRefusesTheServerIsLogged() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      let client = try Fixture.clientTLS(root: "org1.test/tlsca/cert.pem")
      #expect(!(await works(server, client)))
      try await eventually { server.log.all.contains { $0.contains("tls: bad certificate") } }
    }
  }

  @Test func whatIsNotTLSIsClosed() async throws {
    try await TestServer.run(
      tls: Fixture.serverTLS(), limits: .with { $0.connectionTimeout = .milliseconds(300) }
    ) { server in
      let hello: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]
      for input in [Array("GET / HTTP/1.1\r\n\r\n".utf8), hello, []] {
        let (host, port) = split(server.address)
        let channel = try await TestClient.bootstrap()
          .connect(host: host, port: port).get()
        try? await channel.writeAndFlush(ByteBuffer(bytes: input))
        try await channel.closeFuture.get()
      }
      try await eventually { server.server.registry.connectionCount == 0 }
      #expect(!server.log.all.contains { $0.hasPrefix("error") })
    }
  }

  @Test func unusableMaterialIsNamed() throws {
    let tls = GRPCServerTLS(
      certificateChain: Array("nothing".utf8), privateKey: Array("nothing".utf8))
    let error = try #require(throws: GRPCTLSError.self) {
      try GRPCServer(
        configuration: GRPCServerConfiguration(host: "127.0.0.1", port: 0, tls: tls),
        methods: [], time: ManualTime(), logger: TestLog().logger)
    }
    #expect(error.description.contains("the server's TLS certificate"))
  }
}
