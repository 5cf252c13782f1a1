// TLS between ordering nodes: what this node shows and the port of its own, as the configuration names it.

import FabricCrypto
import GRPCTransport
import OrdererConfiguration

/// The material of `General.Cluster`, or where that says nothing, of `General.TLS`.
struct ClusterTLS: Sendable {
  /// TLS of the cluster's own port; nil if it shares the client port.
  let listener: GRPCServerTLS?
  /// What this node shows when it connects, in PEM.
  let clientCertificate: [UInt8]
  /// In PEM.
  let clientKey: [UInt8]
  /// `General.Cluster.RootCAs`, in PEM.
  let roots: [[UInt8]]
  /// How far back in time other nodes' certificates are looked at.
  let timeShift: Duration

  /// Nil if this node has TLS neither for the cluster nor for clients.
  ///
  /// - Throws: ``StartupError`` naming the setting and the file.
  init?(_ general: OrdererConfiguration.General) throws {
    let cluster = general.cluster
    let own: (certificate: String, key: String, section: String)
    if cluster.hasOwnListener {
      own = (cluster.serverCertificate, cluster.serverPrivateKey, "General.Cluster.Server")
      timeShift = cluster.tlsHandshakeTimeShift
    } else {
      guard general.tls.enabled else { return nil }
      own = (general.tls.certificate, general.tls.privateKey, "General.TLS.")
      timeShift = general.tls.tlsHandshakeTimeShift
    }
    let serverCertificate = try TLSMaterial.read(
      own.certificate, setting: "\(own.section)Certificate")
    let serverKey = try TLSMaterial.read(own.key, setting: "\(own.section)PrivateKey")
    listener =
      cluster.hasOwnListener
      ? GRPCServerTLS(
        certificateChain: serverCertificate, privateKey: serverKey,
        clientAuthentication: .required(TLSTrust.nobody)) : nil
    if cluster.clientCertificate.isEmpty, cluster.clientPrivateKey.isEmpty {
      (clientCertificate, clientKey) = (serverCertificate, serverKey)
    } else {
      clientCertificate = try TLSMaterial.read(
        cluster.clientCertificate, setting: "General.Cluster.ClientCertificate")
      clientKey = try TLSMaterial.read(
        cluster.clientPrivateKey, setting: "General.Cluster.ClientPrivateKey")
    }
    roots = try cluster.rootCAs.map { try TLSMaterial.read($0, setting: "General.Cluster.RootCAs") }
  }

  /// SHA-256 of the certificate that this node shows when it connects, of its DER; empty if the text holds none.
  var clientCertificateHash: [UInt8] {
    PEM.decodeFirst(clientCertificate[...]).map { SHA256Digest.hash($0.block.der) } ?? []
  }
}
