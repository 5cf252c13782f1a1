// The parts of a node below its operations, built in the order in which they depend on each other.

import AtomicBroadcast
import BlockLedger
import Blocks
import Cluster
import Concurrency
import FabricLogging
import Foundation
import GRPCTransport
import KafkaConsensus
import Logging
import Membership
import MessageProcessing
import Metrics
import Multichannel
import Operations
import OrdererConfiguration
import Ordering
import RaftConsensus
import SoloConsensus

/// Ledgers, channels and the servers over them.
struct NodeParts: Sendable {
  let registrar: Registrar
  let server: GRPCServer
  /// The port of its own that other ordering nodes connect to; nil if they use the clients'.
  let clusterServer: GRPCServer?
  let dialer: OrdererDialer
  /// nil if nobody could find it.
  let administration: NodeAdministration?
  /// nil unless `General.Profile.Enabled`.
  let profiling: ProfilingServer?
  let traces: AtomicBroadcastService.Traces
  let ledgers: any LedgerFactory
  let raft: RaftConsenter
  let cluster: Cluster

  /// Opens the channels and starts their chains. Nothing listens yet.
  ///
  /// - Throws: An error with a message for the operator; no chain runs then.
  init(
    _ configuration: OrdererConfiguration, directory: String, signer: any Signer,
    operations: NodeOperations, time: any TimeSource, logging: FabricLogging
  ) async throws {
    let general = configuration.general
    let logger = logging.logger("orderer.common.server")
    ledgers = try StartupError.wrap("Failed to create ledger factory") {
      try Self.ledgerFactory(configuration, logging)
    }
    let trust = TLSTrust(
      now: { Int64(Date().timeIntervalSince1970) },
      logger: logging.logger("comm.grpc.server", isAboutClients: true))
    let clusterTLS = Result { try ClusterTLS(general) }
    dialer = Self.dialer(general, tls: try? clusterTLS.get(), trust: trust, logging: logging)
    let health = ChannelHealth(operations.health, logger: logger)
    let participation = ParticipationMetrics(factory: operations.metrics)
    cluster = Self.cluster(
      general, dialer: dialer, metrics: operations.metrics, time: time, logging: logging)
    raft = try Self.raft(
      configuration, over: dialer, signer: signer, transport: cluster,
      metrics: operations.metrics, time: time, logging: logging)
    let registrar = Registrar(
      ledgers: ledgers, signer: signer,
      consenters: [
        SoloConsenter.type: SoloConsenter(
          time: time, logger: logging.logger("orderer.consensus.solo")),
        KafkaConsenter.type: KafkaConsenter(
          settings: KafkaSettings(configuration.kafka), time: time, now: { Date() },
          logger: logging.logger("orderer.consensus.kafka"), metrics: operations.metrics),
        RaftConfig.type: raft,
      ],
      blocks: Self.puller(
        configuration, over: dialer, signer: signer, isPatient: false, time: time, logging: logging),
      environment: ProcessingEnvironment(
        checksExpiration: !general.authentication.noExpirationChecks,
        logger: logging.logger("orderer.common.msgprocessor", isAboutClients: true), now: { Date() }
      ),
      onConfiguration: { trust.update($0) },
      onChannel: { health.add($0, $1) },
      onParticipation: {
        participation.record($1, of: $0)
        if $1 == nil { trust.forget($0) }
      },
      metrics: operations.metrics, time: time,
      logger: logging.logger("orderer.common.multichannel"))
    self.registrar = registrar
    health.attach(registrar)
    if ledgers.joins != nil, configuration.channelParticipation.enabled {
      let folder = "\(configuration.fileLedger.location)/pendingops"
      logger.info(
        "Channel Participation API enabled, registrar initializing with file repo \(folder)")
    }
    do {
      try await registrar.initialize(
        BootstrapBlock.load(general, configurationDirectory: directory, logger: logger))
      let mode = StartMode(registrar)
      try mode.check(general, logger: logger)
      // A node that is in no cluster is not stopped by settings that are for clusters.
      let listener = mode.isOfCluster ? try clusterTLS.get()?.listener : nil
      traces = Self.traces(configuration.debug, time: time, logger: logger)
      administration = try NodeAdministration(
        configuration, channels: registrar, time: time, logging: logging)
      profiling =
        general.profile.enabled
        ? try ProfilingServer(
          listenAddress: general.profile.address, report: { Node.state(of: registrar) },
          time: time, logger: logger)
        : nil
      (server, clusterServer) = try Self.servers(
        configuration, clusterListener: listener,
        clusterMethods: mode.isOfCluster ? [cluster.stepMethod] : [], registrar: registrar,
        traces: traces, metrics: operations.metrics, time: time, logging: logging)
      try Self.judgeClients(
        general, of: server, cluster: clusterServer, tls: try? clusterTLS.get(), trust: trust)
    } catch {
      // The chains may run already.
      await registrar.halt()
      await raft.close()
      cluster.shutdown()
      await dialer.shutdown()
      await ledgers.close()
      throw error
    }
  }

  /// - Throws: ``StartupError`` if a setting cannot be used.
  private static func raft(
    _ configuration: OrdererConfiguration, over dialer: OrdererDialer, signer: any Signer,
    transport: Cluster, metrics: any MetricsFactory, time: any TimeSource, logging: FabricLogging
  ) throws -> RaftConsenter {
    let blocks = puller(
      configuration, over: dialer, signer: signer, isPatient: true, time: time, logging: logging)
    let consenter = RaftConsenter(
      settings: try RaftSettings(configuration, identity: signer.serializedIdentity),
      transport: transport, blocks: blocks, time: time, now: { Date() },
      logger: logging.logger("orderer.consensus.etcdraft"), metrics: metrics)
    try StartupError.wrap("Failed to set up the Raft consenter") { try consenter.checkFolders() }
    return consenter
  }

  private static func traces(
    _ debug: OrdererConfiguration.Debug, time: any TimeSource, logger: Logger
  ) -> AtomicBroadcastService.Traces {
    AtomicBroadcastService.Traces(
      broadcast: RequestTracer(
        directory: debug.broadcastTraceDir, method: "Broadcast", time: time, logger: logger),
      deliver: RequestTracer(
        directory: debug.deliverTraceDir, method: "Deliver", time: time, logger: logger))
  }

  private static func ledgerFactory(
    _ configuration: OrdererConfiguration, _ logging: FabricLogging
  ) throws -> any LedgerFactory {
    let location = configuration.fileLedger.location
    switch configuration.general.ledgerType {
    case .file:
      return try FileLedgerFactory(
        directory: location, signatures: CutSignatures(),
        logger: logging.logger("common.ledger.blockledger.file"))
    case .json:
      return try JSONLedgerFactory(
        directory: location, logger: logging.logger("common.ledger.blockledger.json"))
    case .ram: return RAMLedgerFactory(historySize: configuration.ramLedger.historySize)
    }
  }
}
