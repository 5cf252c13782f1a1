// Connections to other ordering nodes, with this node's TLS.

import GRPCTransport
import Membership

/// Connects to ordering nodes: to those that order a channel together with this one, and to any that has blocks.
final class OrdererDialer: Sendable {
  private let client: GRPCClient
  /// Nil if this node has no TLS.
  private let tls: ClusterTLS?
  private let trust: TLSTrust

  init(client: GRPCClient, tls: ClusterTLS?, trust: TLSTrust) {
    self.client = client
    self.tls = tls
    self.trust = trust
  }

  /// The certificate that this node shows, in DER; nil if it shows none.
  var clientCertificate: [UInt8]? { tls?.clientCertificateDER }

  /// Connects to a node of a cluster, whose certificate is known. It has to be valid all the same: of an orderer
  /// organization of some channel, in time, and for its host.
  ///
  /// - Parameter certificate: The node's server certificate, in PEM or DER; what counts is its key.
  func connect(
    to host: String, port: Int, pinned certificate: [UInt8]
  ) async throws(GRPCDialError) -> GRPCClientConnection {
    guard let tls else {
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
  func connect(
    to host: String, port: Int, trusting roots: [[UInt8]]
  ) async throws(GRPCDialError) -> GRPCClientConnection {
    guard let tls else { return try await client.connect(to: host, port: port, tls: nil) }
    let settings = try settings(tls, pinned: nil) { [trust] () throws(TLSCertificateProblem) in
      try trust.orderers(tls, from: roots)
    }
    return try await client.connect(to: host, port: port, tls: settings)
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
  func shutdown() async { await client.shutdown() }
}
