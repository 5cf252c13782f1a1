// The ports of a node that speak gRPC, and its connections to others.

import AtomicBroadcast
import Cluster
import Concurrency
import FabricLogging
import Foundation
import GRPCTransport
import Metrics
import Multichannel
import OrdererConfiguration

extension NodeParts {
  /// The client port, and the cluster's own if it has one.
  ///
  /// - Parameters:
  ///   - clusterListener: TLS of the cluster's own port; nil if other nodes use the clients'.
  ///   - clusterMethods: What other ordering nodes call, on whichever port is theirs.
  /// - Throws: ``StartupError`` naming the settings of TLS that cannot be used.
  static func servers(
    _ configuration: OrdererConfiguration, clusterListener: GRPCServerTLS?,
    clusterMethods: [GRPCMethod], registrar: Registrar, traces: AtomicBroadcastService.Traces,
    metrics: any MetricsFactory, time: any TimeSource, logging: FabricLogging
  ) throws -> (clients: GRPCServer, cluster: GRPCServer?) {
    let general = configuration.general
    let methods = clientMethods(
      general, registrar: registrar, traces: traces, metrics: metrics, time: time, logging: logging)
    let all = methods + clusterMethods
    let observer: any GRPCServerObserver =
      GRPCMetrics(paths: all.map(\.path), factory: metrics) ?? SilentObserver()
    func server(
      _ section: String, host: String, port: UInt16, tls: GRPCServerTLS?, methods: [GRPCMethod],
      isHealthServiceEnabled: Bool
    ) throws -> GRPCServer {
      var limits = GRPCServerLimits()
      limits.http2 = HTTP2Limits(general)
      limits.connectionTimeout = general.connectionTimeout
      if methods.contains(where: { $0.path == Cluster.stepPath }) {
        // Go's nodes wait for a stream without limit, and hold up what else they have to do.
        limits.http2.maximumConcurrentStreams = ClusterSettings.maximumStreamsPerNode
      }
      do {
        return try GRPCServer(
          configuration: GRPCServerConfiguration(
            host: host, port: Int(port), tls: tls, keepalive: keepalive(general.keepalive),
            limits: limits, isHealthServiceEnabled: isHealthServiceEnabled),
          methods: methods, time: time,
          logger: logging.logger("comm.grpc.server", isAboutClients: true), observer: observer)
      } catch {
        throw StartupError("Failed to set up the TLS of the \(section): \(error)")
      }
    }
    let clients = try server(
      "client port (General.TLS)", host: general.listenAddress, port: general.listenPort,
      tls: try TLSMaterial.load(general.tls), methods: clusterListener == nil ? all : methods,
      isHealthServiceEnabled: true)
    let cluster = try clusterListener.map { tls in
      try server(
        "cluster's port (General.Cluster)", host: general.cluster.listenAddress,
        port: general.cluster.listenPort, tls: tls, methods: clusterMethods,
        isHealthServiceEnabled: false)
    }
    return (clients, cluster)
  }

  /// Broadcast and Deliver.
  private static func clientMethods(
    _ general: OrdererConfiguration.General, registrar: Registrar,
    traces: AtomicBroadcastService.Traces, metrics: any MetricsFactory, time: any TimeSource,
    logging: FabricLogging
  ) -> [GRPCMethod] {
    let broadcast = BroadcastHandler(
      registrar: registrar, metrics: metrics,
      logger: logging.logger("orderer.common.broadcast", isAboutClients: true))
    let deliver = DeliverHandler(
      registrar: registrar,
      options: DeliverHandler.Options(
        timeWindow: general.authentication.timeWindow,
        requiresBinding: general.tls.enabled && general.tls.clientAuthRequired,
        checksExpiration: !general.authentication.noExpirationChecks),
      clock: DeliverClock(now: { Date() }, time: time), metrics: metrics,
      logger: logging.logger("common.deliver", isAboutClients: true))
    return AtomicBroadcastService.methods(broadcast: broadcast, deliver: deliver, traces: traces)
  }

  private static func keepalive(
    _ keepalive: OrdererConfiguration.Keepalive
  ) -> GRPCServerKeepalive {
    GRPCServerKeepalive(
      serverMinInterval: keepalive.serverMinInterval, serverInterval: keepalive.serverInterval,
      serverTimeout: keepalive.serverTimeout)
  }
}

extension HTTP2Limits {
  /// What `General` says.
  init(_ general: OrdererConfiguration.General) {
    self.init()
    maximumReceiveMessageBytes = Int(general.maxRecvMsgSize)
    maximumSendMessageBytes = Int(general.maxSendMsgSize)
  }
}
