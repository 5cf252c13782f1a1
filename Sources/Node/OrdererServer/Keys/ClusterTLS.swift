// TLS between ordering nodes: what this node shows and the port of its own, as the configuration names it.

import GRPCTransport
import OrdererConfiguration

/// The material of `General.Cluster`, or where that says nothing, of `General.TLS`.
struct ClusterTLS: Sendable, Equatable {
  /// What this node shows on the port that other nodes connect to.
  let server: KeyPair
  /// Whether that port is the cluster's own, and not the one for clients.
  let hasOwnListener: Bool
  /// What this node shows when it connects.
  let client: KeyPair
  /// `General.Cluster.RootCAs`, in PEM.
  let roots: [[UInt8]]
  /// How far back in time other nodes' certificates are looked at.
  let timeShift: Duration

  /// Nil if this node has TLS neither for the cluster nor for clients.
  ///
  /// - Throws: ``StartupError`` naming the setting and the file.
  init?(_ general: OrdererConfiguration.General) throws {
    let cluster = general.cluster
    hasOwnListener = cluster.hasOwnListener
    if cluster.hasOwnListener {
      server = try TLSMaterial.pair(
        cluster.serverCertificate, cluster.serverPrivateKey, section: "General.Cluster.Server")
      timeShift = cluster.tlsHandshakeTimeShift
    } else {
      guard general.tls.enabled else { return nil }
      server = try TLSMaterial.pair(
        general.tls.certificate, general.tls.privateKey, section: "General.TLS.")
      timeShift = general.tls.tlsHandshakeTimeShift
    }
    client =
      cluster.clientCertificate.isEmpty && cluster.clientPrivateKey.isEmpty
      ? server
      : try TLSMaterial.pair(
        cluster.clientCertificate, cluster.clientPrivateKey, section: "General.Cluster.Client")
    roots = try cluster.rootCAs.map { try TLSMaterial.read($0, setting: "General.Cluster.RootCAs") }
  }

  /// TLS of the cluster's own port; nil if it shares the client port.
  var listener: GRPCServerTLS? {
    hasOwnListener
      ? GRPCServerTLS(
        certificateChain: server.certificateChain, privateKey: server.privateKey,
        clientAuthentication: .required(TLSTrust.nobody)) : nil
  }

  /// The files that are read.
  static func files(_ general: OrdererConfiguration.General) -> [String] {
    let cluster = general.cluster
    let own =
      cluster.hasOwnListener
      ? [cluster.serverCertificate, cluster.serverPrivateKey]
      : [general.tls.certificate, general.tls.privateKey]
    return own + [cluster.clientCertificate, cluster.clientPrivateKey].filter { !$0.isEmpty }
      + cluster.rootCAs
  }
}
