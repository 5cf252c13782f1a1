// Who gets where over TLS.

import Concurrency
import HTTPTestClient
import HTTPTransport
import Logging
import NIOSSL
import NodeMetrics
import TestSupport
import Testing

@testable import Operations

@Suite(.sockets) struct OperationsTLSTests {
  private let log = TestLog()
  private let member = "org1.test/users/user1/tls"
  private let stranger = "org2.test/users/user1/tls"
  private let roots = ["org1.test/tlsca/cert.pem"]

  private func withServer(
    _ tls: HTTPServerTLS, _ body: (String) async throws -> Void
  ) async throws {
    let server = try OperationsServer(
      listenAddress: "localhost:0", tls: tls,
      version: VersionInformation(version: "1", commitSHA: "1"),
      health: HealthChecks(timeout: .seconds(3600), time: ManualTime()),
      logSpec: TestLogSpec(),
      prometheus: MetricRegistry(catalogue: MetricCatalogue([]), logger: log.logger),
      limits: .patient, time: ManualTime(), logger: log.logger)
    try await server.start()
    do {
      try await body(try #require(server.boundAddress))
    } catch {
      await server.shutdown(grace: .zero)
      throw error
    }
    await server.shutdown(grace: .zero)
  }

  /// The status of a GET; nil if no answer comes.
  private func status(_ address: String, _ path: String, _ tls: NIOSSLContext?) async -> Int? {
    try? await ask(address, "GET", path, tls: tls).status
  }

  /// The same for a client with a certificate, or without.
  private func status(_ address: String, _ path: String, as user: String?) async -> Int? {
    try? await ask(address, "GET", path, tls: Certificates.client(user)).status
  }

  @Test func withoutACertificateOnlyHealthAndVersionAreOpen() async throws {
    try await withServer(try Certificates.server(clientRoots: roots)) { address in
      let anonymous = try Certificates.client()
      #expect(await status(address, "/healthz", anonymous) == 200)
      #expect(await status(address, "/version", anonymous) == 200)
      #expect(await status(address, "/metrics", anonymous) == 401)
      #expect(await status(address, "/logspec", anonymous) == 401)
      #expect(await status(address, "/nosuch", anonymous) == 404)
      let refused = try await ask(address, "GET", "/logspec", tls: anonymous)
      #expect(refused.body.isEmpty)
      #expect(refused.headers["x-request-id"] == nil)
    }
    #expect(
      log.text.contains(
        "warning Client request not authorized, client must pass a valid client certificate for "
          + "this operation Method=GET RemoteAddr=127.0.0.1:"))
  }

  @Test func withACertificateOfAClientRootEverythingIsOpen() async throws {
    try await withServer(try Certificates.server(clientRoots: roots)) { address in
      let known = try Certificates.client(member)
      for path in ["/healthz", "/version", "/metrics", "/logspec"] {
        #expect(await status(address, path, known) == 200)
      }
      // TLS 1.2 as well as 1.3, and a session that is resumed stays one with a certificate.
      let older = try Certificates.client(member, maximum: .tlsv12)
      for _ in 0..<3 { #expect(await status(address, "/logspec", older) == 200) }
    }
  }

  @Test func aCertificateOfSomebodyElseIsRefusedInTheHandshake() async throws {
    try await withServer(try Certificates.server(clientRoots: roots)) { address in
      #expect(await status(address, "/healthz", as: stranger) == nil)
    }
    #expect(log.text.contains("warning TLS handshake failed:"))
  }

  @Test func withoutClientRootsNoCertificateIsAccepted() async throws {
    try await withServer(try Certificates.server()) { address in
      #expect(await status(address, "/healthz", as: member) == nil)
      #expect(await status(address, "/healthz", as: nil) == 200)
      #expect(await status(address, "/logspec", as: nil) == 401)
    }
  }

  @Test func clientAuthRequiredTurnsAwayAllOthers() async throws {
    try await withServer(
      try Certificates.server(clientRoots: roots, requiresClientCertificate: true)
    ) { address in
      #expect(await status(address, "/healthz", as: nil) == nil)
      #expect(await status(address, "/healthz", as: stranger) == nil)
      #expect(await status(address, "/healthz", as: member) == 200)
      #expect(await status(address, "/logspec", as: member) == 200)
    }
  }

  @Test func olderTLSAndPlainTextAreRefused() async throws {
    try await withServer(try Certificates.server(clientRoots: roots)) { address in
      let old = try Certificates.client(maximum: .tlsv11)
      #expect(await status(address, "/healthz", old) == nil)
      #expect(await status(address, "/healthz", nil) == nil)
      #expect(await status(address, "/healthz", as: nil) == 200)
    }
  }
}
