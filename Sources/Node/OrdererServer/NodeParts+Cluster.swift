// The node's connections to the nodes that order channels together with it.

import Cluster
import Concurrency
import FabricLogging
import Foundation
import GRPCTransport
import Metrics
import OrdererConfiguration

extension NodeParts {
  /// The transport of chains of clusters.
  static func cluster(
    _ general: OrdererConfiguration.General, dialer: OrdererDialer, metrics: any MetricsFactory,
    time: any TimeSource, logging: FabricLogging
  ) -> Cluster {
    let connector = GRPCClusterConnector { server throws(GRPCDialError) in
      try await dialer.connect(
        to: server.host, port: Int(server.port), pinned: server.certificate)
    }
    return Cluster(
      settings: ClusterSettings(general), connector: connector, time: time,
      now: { Int64(Date().timeIntervalSince1970) },
      logger: logging.logger("orderer.common.cluster", isAboutClients: true), metrics: metrics)
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
