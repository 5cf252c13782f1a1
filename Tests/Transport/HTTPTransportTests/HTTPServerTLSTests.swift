// TLS of the HTTP server, whatever it serves.

import Concurrency
import HTTPTestClient
import Logging
import NIOSSL
import Synchronization
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.sockets) struct HTTPServerTLSTests {
  private let log = TestLog()
  private let roots = ["org1.test/tlsca/cert.pem"]

  @Test func largeAnswersArriveCompletely() async throws {
    let server = try HTTPServer(
      listenAddress: "127.0.0.1:0", name: .test, tls: try Certificates.server(),
      limits: .patient, time: ManualTime(), logger: log.logger)
    let body = [UInt8](repeating: UInt8(ascii: "x"), count: 20 << 20)
    try server.register(
      HTTPRoute(path: "/large", access: .open) { _ in HTTPResponse(status: 200, body: body) })
    try await server.start()
    let answer = try await ask(
      server.boundAddress, "GET", "/large", tls: try Certificates.client())
    #expect(answer.body.utf8.count == body.count)
    await server.shutdown(grace: .zero)
  }

  @Test func renewedMaterialCountsFromTheNextHandshakeOn() async throws {
    let server = try HTTPServer(
      listenAddress: "127.0.0.1:0", name: .test, tls: try Certificates.server(), limits: .patient,
      time: ManualTime(), logger: log.logger)
    try server.register(
      HTTPRoute(path: "/closed", access: .clientCertificate) { _ in .text("in") })
    try await server.start()
    let user = try Certificates.client("org1.test/users/user1/tls")
    func status() async -> Int? {
      try? await ask(server.boundAddress, "GET", "/closed", tls: user).status
    }
    #expect(await status() == nil)
    try server.renew(try Certificates.server(clientRoots: roots))
    #expect(await status() == 200)
    var bad = try Certificates.server()
    bad.privateKey = try Certificates.read("orderer.test/nodes/node2/tls/server.key")
    #expect(throws: HTTPServerError.self) { try server.renew(bad) }
    #expect(await status() == 200)
    await server.shutdown(grace: .zero)
  }

  @Test func badMaterialIsNamed() throws {
    let good = try Certificates.server(clientRoots: roots)
    func reason(_ change: (inout HTTPServerTLS) throws -> Void) throws -> String {
      var tls = good
      try change(&tls)
      return #expect(throws: HTTPServerError.self) {
        try HTTPServer(
          listenAddress: "127.0.0.1:0", name: .test, tls: tls, time: ManualTime(),
          logger: log.logger)
      }?.description ?? ""
    }
    #expect(try reason { $0.certificateChain = [] }.contains("Test.TLS.Certificate"))
    #expect(
      try reason { $0.certificateChain = Array("x".utf8) }.contains("Test.TLS.Certificate"))
    #expect(try reason { $0.privateKey = Array("x".utf8) }.contains("Test.TLS.PrivateKey"))
    #expect(try reason { $0.clientRoots = [[1]] }.contains("Test.TLS.ClientRootCAs"))
    #expect(
      try reason {
        $0.privateKey = try Certificates.read("orderer.test/nodes/node2/tls/server.key")
      }.contains("cannot be used together"))
  }

  @Test func clientsAreJudgedByWhoeverTheServerIsTold() async throws {
    let verdict = Mutex<String?>(nil)
    let judged = Mutex<[[[UInt8]]]>([])
    // No root: only the judge counts.
    var tls = try Certificates.server()
    tls.clientVerification = { certificates in
      judged.withLock { $0.append(certificates) }
      return verdict.withLock { $0 }
    }
    let server = try HTTPServer(
      listenAddress: "127.0.0.1:0", name: .test, tls: tls, limits: .patient, time: ManualTime(),
      logger: log.logger)
    try server.register(
      HTTPRoute(path: "/closed", access: .clientCertificate) { _ in .text("in") })
    try await server.start()
    let user = try Certificates.client("org1.test/users/user1/tls")
    #expect(try await ask(server.boundAddress, "GET", "/closed", tls: user).status == 200)
    let stranger = try Certificates.client()
    #expect(try await ask(server.boundAddress, "GET", "/closed", tls: stranger).status == 401)
    verdict.withLock { $0 = "it looks wrong" }
    await #expect(throws: (any Error).self) {
      _ = try await ask(server.boundAddress, "GET", "/closed", tls: user)
    }
    await server.shutdown(grace: .zero)
    let own = try NIOSSLCertificate.fromPEMBytes(
      Certificates.read("org1.test/users/user1/tls.crt"))
    let expected = try own.map { try $0.toDERBytes() }
    #expect(judged.withLock { $0 } == [expected, expected])
    #expect(log.text.contains("TLS handshake failed: it looks wrong"))
  }
}
