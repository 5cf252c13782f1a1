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

  static func serverTLS(clientRoots: [String]? = nil) throws -> GRPCServerTLS {
    GRPCServerTLS(
      certificateChain: try read("\(node)/server.crt"),
      privateKey: try read("\(node)/server.key"),
      clientAuthentication: try clientRoots.map {
        .required(trustRoots: try $0.map(read))
      } ?? .none)
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
  private let org1Root = "org1.test/tlsca/cert.pem"
  private let org2Root = "org2.test/tlsca/cert.pem"
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
    try await TestServer.run(tls: Fixture.serverTLS(clientRoots: [org1Root])) { server in
      let client = try await TestClient(
        address: server.address, tls: Fixture.clientTLS(org1User))
      let expected = try NIOSSLCertificate.fromPEMBytes(Fixture.read("\(org1User)/tls.crt"))
      let certificate = try expected[0].toDERBytes()
      #expect(try await client.call("/test.Echo/Certificates").messages == [certificate])
      await client.close()
    }
  }

  @Test func aClientWithoutCertificateIsRefusedAndLogged() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(clientRoots: [org1Root])) { server in
      let client = try Fixture.clientTLS()
      #expect(!(await works(server, client)))
      try await eventually { server.log.all.contains { $0.contains("tls: bad certificate") } }
    }
  }

  @Test func anUntrustedClientIsRefusedAndLogged() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(clientRoots: [org1Root])) { server in
      let client = try Fixture.clientTLS(org2User)
      #expect(!(await works(server, client)))
      try await eventually { server.log.all.contains { $0.contains("tls: bad certificate") } }
    }
  }

  @Test func trustRootsAreReplacedWhileServing() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(clientRoots: [org1Root])) { server in
      let org1 = try Fixture.clientTLS(org1User)
      let org2 = try Fixture.clientTLS(org2User)
      #expect(await works(server, org1))
      #expect(!(await works(server, org2)))
      let root = try NIOSSLCertificate.fromPEMBytes(Fixture.read(org2Root))[0].toDERBytes()
      try server.server.updateClientTrustRoots([root])
      #expect(!(await works(server, org1)))
      #expect(await works(server, org2))
      try server.server.updateClientTrustRoots([Fixture.read(org1Root), root])
      #expect(await works(server, org1))
      #expect(await works(server, org2))
      #expect(throws: GRPCTLSError.self) {
        try server.server.updateClientTrustRoots([[0x30, 2]])
      }
      #expect(throws: GRPCTLSError.self) {
        try server.server.updateClientTrustRoots([Array("x".utf8)])
      }
      #expect(await works(server, org1))
    }
  }

  @Test func aClientThatRefusesTheServerIsLogged() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      let client = try Fixture.clientTLS(root: org1Root)
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
