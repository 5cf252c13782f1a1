// Connections between ordering nodes: who is trusted on either side, by the settings and the channels.

import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import GRPCTransport
import OrdererConfiguration
import RaftConsensus
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
    _ general: OrdererConfiguration.General, _ keys: OwnKeys? = nil
  ) throws -> OrdererDialer {
    let log = TestLog()
    return OrdererDialer(
      configuration: GRPCClientConfiguration(dialTimeout: .seconds(3600)),
      keys: try keys ?? OwnKeys(ClusterTLS(general), logger: log.logger), trust: trust(log),
      logger: log.logger)
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

  @Test func aRenewedPairCountsFromTheNextConnectionOn() async throws {
    func client(_ node: String) throws -> (tls: ClusterTLS?, certificate: [UInt8]?) {
      var general = settings("node2")
      general.cluster.clientCertificate = Self.path("orderer.test/nodes/\(node)/tls/server.crt")
      general.cluster.clientPrivateKey = Self.path("orderer.test/nodes/\(node)/tls/server.key")
      let tls = try ClusterTLS(general)
      return (tls, tls?.client.certificate)
    }
    let pinned = try Self.read("orderer.test/nodes/node1/tls/server.crt")
    let (first, second) = try (client("node2"), client("node3"))
    let keys = OwnKeys(first.tls, logger: TestLog().logger)
    try await withPort(settings()) { port in
      let dialer = try dialer(settings(), keys)
      func shown(_ own: [UInt8]? = nil) async throws -> [UInt8]? {
        let connection = try await dialer.connect(
          to: "127.0.0.1", port: port, pinned: pinned, showing: own)
        defer { connection.close() }
        return try await connection.openStream("/test/Who").receive()
      }
      /// Requests on a connection name what is shown on that one.
      func hash() async throws -> [UInt8] {
        let pull = try await DeliverDialer(dialer: dialer).connect(
          to: OrdererEndpoint(address: "127.0.0.1:\(port)", tlsRoots: []))
        defer { pull.close() }
        return pull.tlsCertificateHash
      }
      #expect(try await shown() == first.certificate)
      #expect(try await hash() == first.certificate.map { SHA256Digest.hash($0) })
      keys.update(try config(clients: ["node2"]), of: "a")
      keys.attach { _ in }
      keys.renew(try #require(second.tls))
      #expect(try await shown() == second.certificate)
      #expect(try await hash() == second.certificate.map { SHA256Digest.hash($0) })
      // Who knows this node by the old one sees that as long as a channel names it.
      #expect(try await shown(first.certificate) == first.certificate)
      #expect(try await shown(second.certificate) == second.certificate)
      keys.update(try config(clients: ["node3"]), of: "a")
      guard
        case .unusable(let reason)? = await refusal(
          dialer,
          { dialer in
            try await dialer.connect(
              to: "127.0.0.1", port: port, pinned: pinned, showing: first.certificate)
          })
      else {
        Issue.record("a pair was shown that the channel does not know")
        return
      }
      #expect(reason.contains("client_tls_cert"))
    }
  }

  private func config(clients: [String]) throws -> RaftConfig {
    var metadata = Etcdraft_ConfigMetadata()
    metadata.consenters = try clients.map { node in
      var consenter = Etcdraft_Consenter()
      consenter.clientTlsCert = Data(try Self.read("orderer.test/nodes/\(node)/tls/server.crt"))
      return consenter
    }
    return RaftConfig(metadata)
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
      material.client.certificateChain
        == (try Self.read("orderer.test/nodes/node1/tls/server.crt")))
    var own = settings(client: "org1.test/users/user1")
    own.cluster.tlsHandshakeTimeShift = .seconds(2)
    let separate = try #require(try ClusterTLS(own))
    #expect(separate.listener != nil)
    #expect(separate.timeShift == .seconds(2))
    #expect(separate.client.certificateChain == (try Self.read("org1.test/users/user1/tls.crt")))
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
