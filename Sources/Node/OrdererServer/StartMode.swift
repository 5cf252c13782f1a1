// Whether a node takes part in a cluster, and what it needs for that.

import Logging
import Multichannel
import OrdererConfiguration

/// What a node is, as its channels tell once they are open (Fabric: `orderer/common/server.Main`).
enum StartMode: Equatable {
  /// Channels are joined one by one, and ordered by clusters.
  case withoutSystemChannel
  /// Channels are created through this one. `hasClusters`: some channel is ordered by a cluster, as is one that moved to
  /// Raft while the system channel was left behind.
  case systemChannel(String, consensusType: String, hasClusters: Bool)
  /// A ledger that could not be opened yet may be the system channel's.
  case unknown

  init(_ registrar: Registrar) {
    if registrar.hasNoSystemChannel {
      self = .withoutSystemChannel
    } else if let name = registrar.systemChannelID,
      case .channel(let channel) = registrar.lookUp(name)
    {
      self = .systemChannel(
        name, consensusType: channel.bundle.orderer?.consensusType ?? "",
        hasClusters: registrar.channels().contains {
          $0.bundle.orderer?.consensusType == Self.clusterType
        })
    } else {
      self = .unknown
    }
  }

  /// Whether other nodes may order channels together with this one. A node that does not know yet lets them.
  var isOfCluster: Bool {
    switch self {
    case .withoutSystemChannel, .unknown: true
    case .systemChannel(_, let type, let hasClusters): type == Self.clusterType || hasClusters
    }
  }

  private static let clusterType = "etcdraft"

  /// Tells the log, and checks the settings that a node of a cluster needs.
  ///
  /// - Throws: ``StartupError`` naming the settings.
  func check(_ general: OrdererConfiguration.General, logger: Logger) throws {
    switch self {
    case .withoutSystemChannel:
      logger.info("Starting without a system channel")
      try Self.checkCluster(general)
    case .systemChannel(let name, let type, _):
      logger.info("Starting with system channel: \(name), consensus type: \(type)")
      // Without that setting other channels than the system channel tell what they lack, one by one.
      if type == Self.clusterType { try Self.checkCluster(general) }
    case .unknown: break
    }
  }

  private static func checkCluster(_ general: OrdererConfiguration.General) throws {
    let settings = general.cluster.listenerSettings
    if settings.allSatisfy({ !$0.isSet }) {
      guard general.tls.enabled else {
        throw StartupError(
          """
          TLS is required for running ordering nodes of cluster type. Set General.TLS.Enabled to true, or \
          give the cluster a listener of its own (General.Cluster)
          """)
      }
    } else if !general.cluster.hasOwnListener {
      throw StartupError(
        """
        Options: General.Cluster.ListenPort, General.Cluster.ListenAddress, \
        General.Cluster.ServerCertificate, General.Cluster.ServerPrivateKey, should be defined altogether.
        """)
    }
  }
}
