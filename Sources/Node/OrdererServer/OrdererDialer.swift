// Connections to other ordering nodes, with this node's TLS.

import GRPCTransport
import Logging
import Membership
import Storage
import Synchronization

/// Connects to ordering nodes: to those that order a channel together with this one, and to any that has blocks.
///
/// The files of its TLS are read for each connection, so that renewed ones count from the next one on.
final class OrdererDialer: Sendable {
  private struct State {
    /// Nil if this node has no TLS.
    var tls: ClusterTLS?
    /// What was wrong with the files the last time, so that it is told once.
    var problem: String?
  }

  private let client: GRPCClient
  private let trust: TLSTrust
  private let reread: @Sendable () throws -> ClusterTLS?
  private let files = BlockingPool(threads: 1)
  private let state: Mutex<State>
  private let logger: Logger

  /// - Parameters:
  ///   - tls: Nil if this node has no TLS.
  ///   - reread: The same from the files as they are now.
  init(
    client: GRPCClient, tls: ClusterTLS?, trust: TLSTrust, logger: Logger,
    reread: @escaping @Sendable () throws -> ClusterTLS?
  ) {
    self.client = client
    self.trust = trust
    self.reread = reread
    self.logger = logger
    state = Mutex(State(tls: tls))
  }

  /// Connects to a node of a cluster, whose certificate is known. It has to be valid all the same: of an orderer
  /// organization of some channel, in time, and for its host.
  ///
  /// - Parameter certificate: The node's server certificate, in PEM or DER; what counts is its key.
  func connect(
    to host: String, port: Int, pinned certificate: [UInt8]
  ) async throws(GRPCDialError) -> GRPCClientConnection {
    guard let tls = await material() else {
      throw .unusable(
        "this node has no TLS, which nodes of a cluster need: set General.TLS.Enabled to true")
    }
    let settings = try settings(tls, pinned: certificate) {
      [trust] () throws(TLSCertificateProblem) in
      try trust.orderers(tls)
    }
    return try await client.connect(to: host, port: port, tls: settings)
  }

  /// Connects to a node that has a certificate from these authorities; in the clear if this node has no TLS.
  ///
  /// - Parameter roots: Each a certificate in DER, or PEM text of one or more.
  /// - Returns: The connection, and the SHA-256 of the certificate that this node shows on it; empty if it shows none.
  func connect(
    to host: String, port: Int, trusting roots: [[UInt8]]
  ) async throws(GRPCDialError) -> (GRPCClientConnection, tlsCertificateHash: [UInt8]) {
    guard let tls = await material() else {
      return (try await client.connect(to: host, port: port, tls: nil), [])
    }
    let settings = try settings(tls, pinned: nil) { [trust] () throws(TLSCertificateProblem) in
      try trust.orderers(tls, from: roots)
    }
    return (
      try await client.connect(to: host, port: port, tls: settings), tls.clientCertificateHash
    )
  }

  /// The files as they are now, or what was in them before if they cannot be used.
  private func material() async -> ClusterTLS? {
    guard let last = state.withLock({ $0.tls }) else { return nil }
    let closed: any Error = GRPCDialError.cancelled
    do {
      let read = try await files.run(orThrow: closed) { [reread] in try reread() }
      guard let read else { return last }
      try GRPCClientTLS(certificateChain: read.clientCertificate, privateKey: read.clientKey) {
        _, _ in nil
      }.check()
      state.withLock { $0 = State(tls: read) }
      return read
    } catch {
      let problem = "\(error)"
      let isNew = state.withLock { state in
        defer { state.problem = problem }
        return state.problem != problem
      }
      if isNew {
        logger.warning("Connecting to other orderers with the TLS files read before: \(problem)")
      }
      return last
    }
  }

  private func settings(
    _ tls: ClusterTLS, pinned: [UInt8]?,
    _ trust: () throws(TLSCertificateProblem) -> TLSPeerTrust
  ) throws(GRPCDialError) -> GRPCClientTLS {
    let peers: TLSPeerTrust
    do throws(TLSCertificateProblem) { peers = try trust() } catch {
      throw .unusable("\(error)")
    }
    return GRPCClientTLS(
      certificateChain: tls.clientCertificate, privateKey: tls.clientKey,
      pinnedCertificate: pinned
    ) { chain, host in peers.refusal(of: chain, as: .server(host: host)) }
  }

  /// Closes all connections. Nothing may be dialled afterwards.
  func shutdown() async {
    await client.shutdown()
    await files.shutDown()
  }
}
