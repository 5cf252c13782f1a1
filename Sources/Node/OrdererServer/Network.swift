// The node among other ordering nodes: what it shows them, whom it trusts, and how it reaches them.

import Cluster
import Concurrency
import FabricLogging
import Foundation
import GRPCTransport
import Membership
import Metrics
import OrdererConfiguration
import Replication

/// What is there before the channels are, and channels need.
struct Network: Sendable {
  let keys: OwnKeys
  let trust: TLSTrust
  let dialer: OrdererDialer
  /// The transport of chains of clusters.
  let cluster: Cluster
  /// Where blocks come from that others have made. Pulls end after the attempts that `General.Cluster` allows.
  let blocks: BlockPuller
  /// The same without a limit of attempts.
  let patientBlocks: BlockPuller

  /// - Parameter tls: What the files hold; nil without TLS, or if they cannot be read.
  init(
    _ configuration: OrdererConfiguration, tls: ClusterTLS?, signer: any Signer,
    metrics: any MetricsFactory, time: any TimeSource, logging: FabricLogging
  ) {
    let general = configuration.general
    let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    keys = OwnKeys(tls, logger: logging.logger("orderer.common.cluster"))
    trust = TLSTrust(
      now: now, logger: logging.logger("comm.grpc.server", isAboutClients: true))
    let dialer = Self.dialer(general, keys: keys, trust: trust, logging: logging)
    self.dialer = dialer
    cluster = Cluster(
      settings: ClusterSettings(general),
      connector: GRPCClusterConnector { server throws(GRPCDialError) in
        try await dialer.connect(
          to: server.host, port: Int(server.port), pinned: server.certificate,
          showing: server.ownCertificate)
      }, time: time, now: now,
      logger: logging.logger("orderer.common.cluster", isAboutClients: true), metrics: metrics)
    func puller(isPatient: Bool) -> BlockPuller {
      BlockPuller(
        network: DeliverDialer(dialer: dialer),
        requests: SeekRequests(signer: signer, now: { Date() }),
        settings: ReplicationSettings(general.cluster), isPatient: isPatient, time: time,
        logger: logging.logger("orderer.common.cluster.puller"))
    }
    blocks = puller(isPatient: false)
    patientBlocks = puller(isPatient: true)
  }

  /// Connections to other ordering nodes, as `General.Cluster` says.
  private static func dialer(
    _ general: OrdererConfiguration.General, keys: OwnKeys, trust: TLSTrust, logging: FabricLogging
  ) -> OrdererDialer {
    var limits = HTTP2Limits(general)
    limits.maximumConcurrentStreams = ClusterSettings.maximumStreamsPerNode
    return OrdererDialer(
      configuration: GRPCClientConfiguration(
        dialTimeout: general.cluster.dialTimeout, limits: limits),
      keys: keys, trust: trust, logger: logging.logger("orderer.common.cluster"))
  }

  /// Has the ports show what channels know this node by, and let those in whose certificates come from the
  /// configuration's authorities or from the channels'.
  ///
  /// - Throws: ``StartupError`` naming the setting whose authorities cannot be read.
  func serve(
    _ general: OrdererConfiguration.General, on clients: GRPCServer, cluster: GRPCServer?
  ) throws {
    if general.tls.enabled, general.tls.clientAuthRequired {
      let roots = try TLSMaterial.clientRoots(general.tls)
      try StartupError.wrap("Failed to use General.TLS.ClientRootCAs") {
        try trust.attach(
          clients, configured: roots, timeShift: general.tls.tlsHandshakeTimeShift)
      }
    }
    guard let tls = keys.tls else { return }
    if let cluster {
      try StartupError.wrap("Failed to use General.Cluster.RootCAs") {
        try trust.attach(cluster, configured: tls.roots, timeShift: tls.timeShift)
      }
    }
    guard let port = tls.hasOwnListener ? cluster : clients else { return }
    keys.attach {
      try port.renew(certificateChain: $0.certificateChain, privateKey: $0.privateKey)
    }
  }
}

extension ClusterSettings {
  /// What `General.Cluster` says. What is not positive there stands for its default.
  init(_ general: OrdererConfiguration.General) {
    self.init()
    let cluster = general.cluster
    if cluster.sendBufferSize > 0 { sendBufferSize = cluster.sendBufferSize }
    if cluster.rpcTimeout > .zero { rpcTimeout = cluster.rpcTimeout }
    if general.maxSendMsgSize > 0 { maximumMessageBytes = Int(general.maxSendMsgSize) }
    certificateExpirationWarningThreshold = cluster.certExpirationWarningThreshold
  }
}

extension ReplicationSettings {
  /// What `General.Cluster` says.
  fileprivate init(_ cluster: OrdererConfiguration.Cluster) {
    self.init(
      bufferBytes: cluster.replicationBufferSize, pullTimeout: cluster.replicationPullTimeout,
      retryTimeout: cluster.replicationRetryTimeout,
      maximumAttempts: cluster.replicationMaxRetries)
  }
}
