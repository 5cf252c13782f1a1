// Connections between ordering nodes: who is trusted on either side, by the settings and the channels.

import Concurrency
import FabricCrypto
import Foundation
import GRPCTransport
import OrdererConfiguration
import Replication
import TestSupport
import Testing

@testable import OrdererServer

@Suite(.sockets) struct OrdererDialerTests {
  private let certificateAuthority = path("orderer.test/tlsca/cert.pem")

  private static func path(_ name: String) -> String {
    Repository.crypto.appending(path: name).path
  }

  private static func read(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: Repository.crypto.appending(path: name)))
  }

  /// The settings of a node with a port of its own for the cluster.
  private func settings(
    _ node: String = "node1", roots: [String]? = nil, client: String? = nil
  ) -> OrdererConfiguration.General {
    var general = OrdererConfiguration().general
    general.cluster.listenAddress = "127.0.0.1"
    general.cluster.listenPort = 1
    let folder = "orderer.test/nodes/\(node)/tls"
    general.cluster.serverCertificate = Self.path("\(folder)/server.crt")
    general.cluster.serverPrivateKey = Self.path("\(folder)/server.key")
    general.cluster.rootCAs = roots ?? [certificateAuthority]
    if let client {
      general.cluster.clientCertificate = Self.path("\(client)/tls.crt")
      general.cluster.clientPrivateKey = Self.path("\(client)/tls.key")
    }
    return general
  }

  private func dialer(
    _ general: OrdererConfiguration.General, _ log: TestLog? = nil
  ) throws -> OrdererDialer {
    let log = log ?? TestLog()
    return OrdererDialer(
      configuration: GRPCClientConfiguration(dialTimeout: .seconds(3600)),
      tls: try ClusterTLS(general), trust: trust(log), logger: log.logger
    ) { try ClusterTLS(general) }
  }

  private func trust(_ log: TestLog = TestLog()) -> TLSTrust {
    TLSTrust(now: { Int64(Date().timeIntervalSince1970) }, logger: log.logger)
  }

  /// Runs `body` with the port of a cluster's node, which tells clients their certificate.
  private func withPort(
    _ general: OrdererConfiguration.General, _ body: (_ port: Int) async throws -> Void
  ) async throws {
    let tls = try #require(try ClusterTLS(general))
    let server = try GRPCServer(
      configuration: GRPCServerConfiguration(
        host: "127.0.0.1", port: 0, tls: tls.listener, eventLoopThreads: 1),
      methods: [
        GRPCMethod(path: "/test/Who") { stream in
          for certificate in stream.peerCertificates {
            try await stream.send(.init(bytes: certificate))
          }
        }
      ], time: ManualTime(), logger: TestLog().logger)
    try trust().attach(server, configured: tls.roots, timeShift: tls.timeShift)
    let address = try await server.start()
    let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
    do {
      try await body(port)
    } catch {
      await server.shutdown(grace: .zero)
      throw error
    }
    await server.shutdown(grace: .zero)
  }

  /// Why there is no connection; nil if there is one.
  private func refusal(
    _ dialer: OrdererDialer, _ connect: (OrdererDialer) async throws -> GRPCClientConnection
  ) async -> GRPCDialError? {
    var refusal: GRPCDialError?
    do { try await connect(dialer).close() } catch { refusal = error as? GRPCDialError }
    await dialer.shutdown()
    return refusal
  }

  @Test func aNodeIsKnownByItsKeyAndShowsItsOwn() async throws {
    try await withPort(settings()) { port in
      let dialer = try dialer(settings("node2"))
      let connection = try await dialer.connect(
        to: "127.0.0.1", port: port, pinned: Self.read("orderer.test/nodes/node1/tls/server.crt"))
      let stream = try await connection.openStream("/test/Who")
      let own = try Self.read("orderer.test/nodes/node2/tls/server.crt")
      let der = PEM.decodeAll(own).first?.der
      #expect(try await stream.receive() == der)
      #expect(await stream.ended() == .ok)
      connection.close()
      await dialer.shutdown()

      let other = try Self.read("orderer.test/nodes/node3/tls/server.crt")
      let refused = await refusal(try self.dialer(settings("node2"))) {
        try await $0.connect(to: "127.0.0.1", port: port, pinned: other)
      }
      guard case .untrusted = refused else {
        Issue.record("a node with another key was taken: \(String(describing: refused))")
        return
      }
    }
  }

  @Test func aServerNeedsAChainToTheAuthorities() async throws {
    let pinned = try Self.read("orderer.test/nodes/node1/tls/server.crt")
    let foreign = Self.path("org1.test/tlsca/cert.pem")
    try await withPort(settings()) { port in
      #expect(
        await refusal(try dialer(settings("node2", roots: [foreign]))) {
          try await $0.connect(to: "127.0.0.1", port: port, pinned: pinned)
        } == .untrusted("x509: certificate signed by unknown authority"))
      // Those of the endpoint count beside the configured ones.
      let roots = [try Self.read("orderer.test/tlsca/cert.pem")]
      #expect(
        await refusal(try dialer(settings("node2", roots: [foreign]))) {
          try await $0.connect(to: "127.0.0.1", port: port, trusting: roots).0
        } == nil)
    }
  }

  @Test func aClientNeedsAChainToTheAuthorities() async throws {
    let pinned = try Self.read("orderer.test/nodes/node1/tls/server.crt")
    try await withPort(settings()) { port in
      let refused = await refusal(try dialer(settings(client: "org1.test/users/user1"))) {
        try await $0.connect(to: "127.0.0.1", port: port, pinned: pinned)
      }
      guard case .failed = refused else {
        Issue.record("a stranger was let in: \(String(describing: refused))")
        return
      }
    }
  }

  @Test func renewedFilesCountFromTheNextConnectionOn() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "heddle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func take(_ node: String) throws -> [UInt8]? {
      let source = "orderer.test/nodes/\(node)/tls"
      try Data(Self.read("\(source)/server.crt")).write(to: folder.appending(path: "crt"))
      try Data(Self.read("\(source)/server.key")).write(to: folder.appending(path: "key"))
      return PEM.decodeAll(try Self.read("\(source)/server.crt")).first?.der
    }
    var general = settings("node2")
    general.cluster.clientCertificate = folder.appending(path: "crt").path
    general.cluster.clientPrivateKey = folder.appending(path: "key").path
    let pinned = try Self.read("orderer.test/nodes/node1/tls/server.crt")
    let log = TestLog()
    try await withPort(settings()) { port in
      let first = try take("node2")
      let dialer = try dialer(general, log)
      func shown() async throws -> [UInt8]? {
        let connection = try await dialer.connect(to: "127.0.0.1", port: port, pinned: pinned)
        let shown = try await connection.openStream("/test/Who").receive()
        connection.close()
        // Requests on a connection name what is shown on that one.
        let pull = try await DeliverDialer(dialer: dialer).connect(
          to: OrdererEndpoint(address: "127.0.0.1:\(port)", tlsRoots: []))
        #expect(pull.tlsCertificateHash == shown.map { SHA256Digest.hash($0) })
        pull.close()
        return shown
      }
      let before = try await shown()
      let second = try take("node3")
      let after = try await shown()
      // A key that does not belong to the certificate, as in the middle of a renewal.
      try Data(Self.read("orderer.test/nodes/node4/tls/server.key"))
        .write(to: folder.appending(path: "key"))
      let meanwhile = [try await shown(), try await shown()]
      let third = try take("node4")
      let last = try await shown()
      #expect([before, after] + meanwhile + [last] == [first, second, second, second, third])
      #expect(log.all.filter { $0.contains("with the TLS files read before") }.count == 1)
      await dialer.shutdown()
    }
  }

  @Test func nobodyIsDialledAfterTheEnd() async throws {
    let unused = try dialer(settings())
    await unused.shutdown()
    await #expect(throws: GRPCDialError.cancelled) {
      try await unused.connect(to: "127.0.0.1", port: 1, trusting: [])
    }
  }

  @Test func nodesWithoutTLSTalkInTheClearButNotWithinClusters() async throws {
    let server = try GRPCServer(
      configuration: GRPCServerConfiguration(host: "127.0.0.1", port: 0, eventLoopThreads: 1),
      methods: [], time: ManualTime(), logger: TestLog().logger)
    let address = try await server.start()
    let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
    let plain = OrdererConfiguration().general
    #expect(try ClusterTLS(plain) == nil)
    let open = try dialer(plain)
    let refusedOpen = await refusal(open) {
      let (connection, hash) = try await $0.connect(to: "127.0.0.1", port: port, trusting: [])
      #expect(hash == [])
      return connection
    }
    #expect(refusedOpen == nil)
    let refused = await refusal(try dialer(plain)) {
      try await $0.connect(to: "127.0.0.1", port: port, pinned: [])
    }
    guard case .unusable = refused else {
      Issue.record("a cluster without TLS: \(String(describing: refused))")
      return
    }
    await server.shutdown(grace: .zero)
  }

  @Test func aClusterSharesTheClientPortUnlessItHasItsOwn() throws {
    var shared = OrdererConfiguration().general
    shared.tls.enabled = true
    shared.tls.certificate = Self.path("orderer.test/nodes/node1/tls/server.crt")
    shared.tls.privateKey = Self.path("orderer.test/nodes/node1/tls/server.key")
    shared.tls.tlsHandshakeTimeShift = .seconds(1)
    shared.cluster.tlsHandshakeTimeShift = .seconds(2)
    let material = try #require(try ClusterTLS(shared))
    #expect(material.listener == nil)
    #expect(material.timeShift == .seconds(1))
    #expect(
      material.clientCertificate == (try Self.read("orderer.test/nodes/node1/tls/server.crt")))
    var own = settings(client: "org1.test/users/user1")
    own.cluster.tlsHandshakeTimeShift = .seconds(2)
    let separate = try #require(try ClusterTLS(own))
    #expect(separate.listener != nil)
    #expect(separate.timeShift == .seconds(2))
    #expect(separate.clientCertificate == (try Self.read("org1.test/users/user1/tls.crt")))
    own.cluster.rootCAs = ["/nowhere"]
    let error = #expect(throws: StartupError.self) { try ClusterTLS(own) }
    #expect(error?.description.contains("General.Cluster.RootCAs, '/nowhere'") == true)
  }

  @Test func authoritiesOfSeveralChannelsCountOnce() {
    var tally = RootTally()
    let first = tally.set([[1], [2]], of: "a")
    let again = tally.set([[2], [1], [1]], of: "b")
    let stillThere = tally.set([], of: "a")
    let other = tally.set([[1], [3]], of: "b")
    #expect([first, again, stillThere, other] == [true, false, false, true])
    #expect(Set(tally.roots) == [[1], [3]])
    let none = tally.set([], of: "b")
    #expect(none)
    #expect(tally.roots.isEmpty)
  }
}
