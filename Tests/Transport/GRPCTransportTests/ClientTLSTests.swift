// The client over TLS: who is trusted, the pinned key, this node's certificate, and what a dial says of it.

import NIOCore
import NIOSSL
import Synchronization
import TestSupport
import Testing

@testable import GRPCTransport

@Suite(.sockets) struct ClientTLSTests {
  private let user = "org1.test/users/user1"

  private func tls(
    user: String? = nil, pinned: [UInt8]? = nil,
    verify: @escaping GRPCClientTLS.Verification = { _, _ in nil }
  ) throws -> GRPCClientTLS {
    GRPCClientTLS(
      certificateChain: try user.map { try Fixture.read("\($0)/tls.crt") } ?? [],
      privateKey: try user.map { try Fixture.read("\($0)/tls.key") } ?? [],
      pinnedCertificate: pinned, verify: verify)
  }

  private func serverCertificate() throws -> [UInt8] {
    try NIOSSLCertificate.fromPEMBytes(Fixture.read("\(Fixture.node)/server.crt"))[0].toDERBytes()
  }

  /// Why a server cannot be dialled; nil if it can.
  private func refusal(
    _ server: TestServer, host: String? = nil, _ tls: GRPCClientTLS?
  ) async -> GRPCDialError? {
    let client = GRPCClient(configuration: .patient(), logger: TestLog().logger)
    let (address, port) = split(server.address)
    var refusal: GRPCDialError?
    do throws(GRPCDialError) {
      // Under TLS 1.3 a client is done before the server has judged it.
      let connection = try await client.connect(to: host ?? address, port: port, tls: tls)
      connection.close()
    } catch { refusal = error }
    await client.shutdown()
    return refusal
  }

  @Test func whatIsShownIsJudgedWithTheHostThatWasDialled() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      let seen = Mutex<[(chain: [[UInt8]], host: String)]>([])
      let judge: @Sendable ([[UInt8]], String) -> String? = { chain, host in
        seen.withLock { $0.append((chain, host)) }
        return nil
      }
      let certificate = try serverCertificate()
      try await withClient(to: server.address, tls: try tls(user: user, verify: judge)) {
        _, connection in
        let stream = try await connection.openStream("/test.Echo/Certificates")
        stream.finishSending()
        #expect(try await stream.receive() == Fixture.certificate(user))
        #expect(await stream.ended() == .ok)
      }
      #expect(await refusal(server, host: "localhost", try tls(verify: judge)) == nil)
      #expect(seen.withLock { $0.map(\.host) } == ["127.0.0.1", "localhost"])
      #expect(seen.withLock { $0.allSatisfy { $0.chain.first == certificate } })
    }
  }

  @Test func aRefusedServerIsNamedWithTheReason() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      let refusal = await refusal(server, try tls { _, _ in "x509: no such name" })
      #expect(refusal == .untrusted("x509: no such name"))
    }
  }

  @Test func onlyThePinnedKeyIsTaken() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      #expect(await refusal(server, try tls(pinned: try serverCertificate())) == nil)
      let pem = try Fixture.read("\(Fixture.node)/server.crt")
      #expect(await refusal(server, try tls(pinned: pem)) == nil)
      let other = try Fixture.read("orderer.test/nodes/node2/tls/server.crt")
      guard case .untrusted(let reason) = await refusal(server, try tls(pinned: other)) else {
        Issue.record("a server with another key was taken")
        return
      }
      #expect(reason.contains("public key"))
    }
  }

  @Test func aRenewedCertificateIsShownFromTheNextHandshakeOn() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(users: [user])) { server in
      let other = "orderer.test/nodes/node2/tls"
      let (old, new) = try (serverCertificate(), Fixture.read("\(other)/server.crt"))
      try await withClient(to: server.address, tls: try tls(user: user, pinned: old)) {
        _, connection in
        try server.server.renew(
          certificateChain: new, privateKey: Fixture.read("\(other)/server.key"))
        #expect(await refusal(server, try tls(user: user, pinned: new)) == nil)
        guard case .untrusted = await refusal(server, try tls(user: user, pinned: old)) else {
          Issue.record("the old certificate is still shown")
          return
        }
        #expect(throws: GRPCTLSError.self) {
          try server.server.renew(
            certificateChain: old, privateKey: Fixture.read("\(other)/server.key"))
        }
        // Who may come is judged as before, also after a judgement was replaced; connections stay.
        try server.server.updateClientVerification(Fixture.trusting([user]))
        #expect(await refusal(server, try tls(user: user, pinned: new)) == nil)
        let stream = try await connection.openStream("/test.Echo/Certificates")
        stream.finishSending()
        #expect(try await stream.receive() == Fixture.certificate(user))
        #expect(await stream.ended() == .ok)
      }
    }
  }

  @Test func aServerThatRefusesTheClientEndsTheConnection() async throws {
    try await TestServer.run(tls: Fixture.serverTLS(users: [])) { server in
      guard case .failed(let reason) = await refusal(server, try tls(user: user)) else {
        Issue.record("a server that knows nobody let somebody in")
        return
      }
      #expect(!reason.isEmpty)
    }
  }

  @Test func materialThatCannotBeUsedIsNamed() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      var broken = try tls(user: user)
      broken.privateKey = []
      let none = try tls(pinned: Array("nothing".utf8))
      for tls in [broken, none] {
        guard case .unusable = await refusal(server, tls) else {
          Issue.record("what cannot be used was used")
          return
        }
      }
    }
  }

  @Test func plaintextTowardsTLSFails() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      guard case .failed = await refusal(server, nil) else {
        Issue.record("there was a connection without TLS")
        return
      }
    }
    try await TestServer.run { server in
      guard case .failed = await refusal(server, try tls()) else {
        Issue.record("there was a connection with TLS")
        return
      }
    }
  }
}
