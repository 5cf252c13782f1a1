// Connections to other ordering nodes, with this node's TLS.

import GRPCTransport
import Logging
import Membership
import Storage
import Synchronization

/// Connects to ordering nodes: to those that order a channel together with this one, and to any that has blocks.
///
/// The files of its TLS are read for each connection, so that renewed ones count from the next one on. A node that
/// never connects to others starts no threads for it.
final class OrdererDialer: Sendable {
  private struct State {
    /// Nil if this node has no TLS.
    var tls: ClusterTLS?
    /// What was wrong with the files the last time, so that it is told once.
    var problem: String?
    var means = Means.unused
  }

  /// What connecting takes.
  private enum Means {
    case unused
    /// - Parameter files: Where files are read.
    case running(GRPCClient, files: BlockingPool)
    /// Final.
    case closed
  }

  private let configuration: GRPCClientConfiguration
  private let trust: TLSTrust
  private let reread: @Sendable () throws -> ClusterTLS?
  private let state: Mutex<State>
  private let logger: Logger

  /// - Parameters:
  ///   - tls: Nil if this node has no TLS.
  ///   - reread: The same from the files as they are now.
  init(
    configuration: GRPCClientConfiguration, tls: ClusterTLS?, trust: TLSTrust, logger: Logger,
    reread: @escaping @Sendable () throws -> ClusterTLS?
  ) {
    self.configuration = configuration
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
    let (client, material) = try await prepare()
    guard let tls = material else {
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
    let (client, material) = try await prepare()
    guard let tls = material else {
      return (try await client.connect(to: host, port: port, tls: nil), [])
    }
    let settings = try settings(tls, pinned: nil) { [trust] () throws(TLSCertificateProblem) in
      try trust.orderers(tls, from: roots)
    }
    return (
      try await client.connect(to: host, port: port, tls: settings), tls.clientCertificateHash
    )
  }

  /// The client, and the TLS of a connection.
  ///
  /// - Throws: ``GRPCDialError/cancelled`` after ``shutdown()``.
  private func prepare() async throws(GRPCDialError) -> (GRPCClient, ClusterTLS?) {
    let means: (client: GRPCClient, files: BlockingPool)? = state.withLock { state in
      switch state.means {
      case .running(let client, let files): return (client, files)
      case .closed: return nil
      case .unused:
        let client = GRPCClient(configuration: configuration, logger: logger)
        let files = BlockingPool(threads: 1)
        state.means = .running(client, files: files)
        return (client, files)
      }
    }
    guard let means else { throw .cancelled }
    return (means.client, await material(means.files))
  }

  /// The files as they are now, or what was in them before if they cannot be used.
  private func material(_ files: BlockingPool) async -> ClusterTLS? {
    guard let last = state.withLock({ $0.tls }) else { return nil }
    let closed: any Error = GRPCDialError.cancelled
    do {
      let read = try await files.run(orThrow: closed) { [reread] in
        let read = try reread()
        if let read { try Self.check(read) }
        return read
      }
      state.withLock { ($0.tls, $0.problem) = (read, nil) }
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

  /// - Throws: Why a connection cannot be made with this.
  private static func check(_ tls: ClusterTLS) throws(GRPCDialError) {
    try GRPCClientTLS(certificateChain: tls.clientCertificate, privateKey: tls.clientKey) {
      _, _ in nil
    }.check()
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
    let means = state.withLock { state in
      defer { state.means = .closed }
      return state.means
    }
    guard case .running(let client, let files) = means else { return }
    await client.shutdown()
    await files.shutDown()
  }
}
