// Connections to other ordering nodes, with this node's TLS.

import GRPCTransport
import Logging
import Membership
import Synchronization

/// Connects to ordering nodes: to those that order a channel together with this one, and to any that has blocks.
///
/// It shows what ``OwnKeys`` has at that time. A node that never connects to others starts no threads for it.
final class OrdererDialer: Sendable {
  private enum State {
    /// Nothing was dialled yet → running, closed
    case unused
    /// → closed
    case running(GRPCClient)
    /// Final.
    case closed
  }

  private let configuration: GRPCClientConfiguration
  private let keys: OwnKeys
  private let trust: TLSTrust
  private let state = Mutex(State.unused)
  private let logger: Logger

  init(
    configuration: GRPCClientConfiguration, keys: OwnKeys, trust: TLSTrust, logger: Logger
  ) {
    self.configuration = configuration
    self.keys = keys
    self.trust = trust
    self.logger = logger
  }

  /// Connects to a node of a cluster, whose certificate is known. It has to be valid all the same: of an orderer
  /// organization of some channel, in time, and for its host.
  ///
  /// - Parameters:
  ///   - certificate: The node's server certificate, in PEM or DER; what counts is its key.
  ///   - own: The certificate that the node knows this one by, in DER; nil if any will do.
  func connect(
    to host: String, port: Int, pinned certificate: [UInt8], showing own: [UInt8]? = nil
  ) async throws(GRPCDialError) -> GRPCClientConnection {
    let client = try client()
    guard let tls = keys.tls else {
      throw .unusable(
        "this node has no TLS, which nodes of a cluster need: set General.TLS.Enabled to true")
    }
    guard let pair = own.map({ keys.client(for: $0) }) ?? tls.client else {
      throw .unusable(
        """
        this node does not have the key of the TLS client certificate that the channel knows it by: renew the files \
        of General.Cluster.ClientCertificate and ClientPrivateKey (or of General.TLS), or correct its \
        client_tls_cert in the channel
        """)
    }
    let settings = try settings(pair, pinned: certificate) {
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
    let client = try client()
    guard let tls = keys.tls else {
      return (try await client.connect(to: host, port: port, tls: nil), [])
    }
    let settings = try settings(tls.client, pinned: nil) {
      [trust] () throws(TLSCertificateProblem) in
      try trust.orderers(tls, from: roots)
    }
    return (
      try await client.connect(to: host, port: port, tls: settings), tls.client.certificateHash
    )
  }

  /// - Throws: ``GRPCDialError/cancelled`` after ``shutdown()``.
  private func client() throws(GRPCDialError) -> GRPCClient {
    let client: GRPCClient? = state.withLock { state in
      switch state {
      case .running(let client): return client
      case .closed: return nil
      case .unused:
        let client = GRPCClient(configuration: configuration, logger: logger)
        state = .running(client)
        return client
      }
    }
    guard let client else { throw .cancelled }
    return client
  }

  private func settings(
    _ pair: KeyPair, pinned: [UInt8]?,
    _ trust: () throws(TLSCertificateProblem) -> TLSPeerTrust
  ) throws(GRPCDialError) -> GRPCClientTLS {
    let peers: TLSPeerTrust
    do throws(TLSCertificateProblem) { peers = try trust() } catch {
      throw .unusable("\(error)")
    }
    return GRPCClientTLS(
      certificateChain: pair.certificateChain, privateKey: pair.privateKey,
      pinnedCertificate: pinned
    ) { chain, host in peers.refusal(of: chain, as: .server(host: host)) }
  }

  /// Closes all connections. Nothing may be dialled afterwards.
  func shutdown() async {
    let last = state.withLock { state in
      defer { state = .closed }
      return state
    }
    guard case .running(let client) = last else { return }
    await client.shutdown()
  }
}
