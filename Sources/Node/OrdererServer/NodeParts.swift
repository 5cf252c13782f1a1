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
  let general: OrdererConfiguration.General
  let registrar: Registrar
  let server: GRPCServer
  /// The port of its own that other ordering nodes connect to; nil if they use the clients'.
  let clusterServer: GRPCServer?
  let keys: OwnKeys
  /// With which the node signs, if it is known when that expires.
  let signing: [OwnCertificate]
  let trust: TLSTrust
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
    general = configuration.general
    let expiry = (signer as? SigningIdentity)?.identity.expiresAt
    signing =
      expiry.map {
        [OwnCertificate(role: "signing", notAfter: Int64($0.timeIntervalSince1970))]
      } ?? []
    let logger = logging.logger("orderer.common.server")
    ledgers = try StartupError.wrap("Failed to create ledger factory") {
      try Self.ledgerFactory(configuration, logging)
    }
    let clusterTLS = Result { try ClusterTLS(configuration.general) }
    let network = Network(
      configuration, tls: try? clusterTLS.get(), signer: signer, metrics: operations.metrics,
      time: time, logging: logging)
    (keys, trust, dialer, cluster) = (network.keys, network.trust, network.dialer, network.cluster)
    raft = try Self.raft(
      configuration, over: network, identity: signer.serializedIdentity,
      metrics: operations.metrics, time: time, logging: logging)
    registrar = Self.registrar(
      configuration, ledgers: ledgers, raft: raft, over: network, signer: signer,
      operations: operations, time: time, logging: logging)
    if ledgers.joins != nil, configuration.channelParticipation.enabled {
      let folder = "\(configuration.fileLedger.location)/pendingops"
      logger.info(
        "Channel Participation API enabled, registrar initializing with file repo \(folder)")
    }
    do {
      try await registrar.initialize(
        BootstrapBlock.load(general, configurationDirectory: directory, logger: logger),
        isFile: general.bootstrapMethod == .file)
      let mode = StartMode(registrar)
      try mode.check(general, logger: logger)
      traces = Self.traces(configuration.debug, time: time, logger: logger)
      administration = try NodeAdministration(
        configuration, channels: registrar, time: time, logging: logging)
      profiling = try Self.profiling(general.profile, of: registrar, time: time, logger: logger)
      // A node that is in no cluster is not stopped by settings that are for clusters.
      (server, clusterServer) = try Self.servers(
        configuration, clusterListener: mode.isOfCluster ? try clusterTLS.get()?.listener : nil,
        clusterMethods: mode.isOfCluster ? [cluster.stepMethod] : [], registrar: registrar,
        traces: traces, metrics: operations.metrics, time: time, logging: logging)
      try network.serve(general, on: server, cluster: clusterServer)
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

  /// The channels of a node, not opened yet.
  private static func registrar(
    _ configuration: OrdererConfiguration, ledgers: any LedgerFactory, raft: RaftConsenter,
    over network: Network, signer: any Signer, operations: NodeOperations, time: any TimeSource,
    logging: FabricLogging
  ) -> Registrar {
    let (trust, keys) = (network.trust, network.keys)
    let health = ChannelHealth(
      operations.health, logger: logging.logger("orderer.common.server"))
    let participation = ParticipationMetrics(factory: operations.metrics)
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
      blocks: network.blocks,
      environment: ProcessingEnvironment(
        checksExpiration: !configuration.general.authentication.noExpirationChecks,
        logger: logging.logger("orderer.common.msgprocessor", isAboutClients: true), now: { Date() }
      ),
      onConfiguration: {
        trust.update($0)
        keys.update($0)
      },
      onChannel: { health.add($0, $1) },
      onParticipation: {
        participation.record($1, of: $0)
        guard $1 == nil else { return }
        trust.forget($0)
        keys.forget($0)
      },
      trackingInterval: configuration.general.cluster.replicationBackgroundRefreshInterval,
      metrics: operations.metrics, time: time,
      logger: logging.logger("orderer.common.multichannel"))
    health.attach(registrar)
    return registrar
  }

  /// Channels whose ticks are due within the same time of this length tick together: a fifth of Fabric's default tick.
  private static let tickSlots = Duration.milliseconds(100)

  /// - Throws: ``StartupError`` if a setting cannot be used.
  private static func raft(
    _ configuration: OrdererConfiguration, over network: Network, identity: [UInt8],
    metrics: any MetricsFactory, time: any TimeSource, logging: FabricLogging
  ) throws -> RaftConsenter {
    let keys = network.keys
    let consenter = RaftConsenter(
      settings: try RaftSettings(configuration, identity: identity),
      keys: { keys.consenterKeys }, transport: network.cluster, blocks: network.patientBlocks,
      time: time, wheel: TimerWheel(on: time, slots: tickSlots), now: { Date() },
      logger: logging.logger("orderer.consensus.etcdraft"), metrics: metrics)
    try StartupError.wrap("Failed to set up the Raft consenter") { try consenter.checkFolders() }
    return consenter
  }

  private static func profiling(
    _ profile: OrdererConfiguration.Profile, of registrar: Registrar, time: any TimeSource,
    logger: Logger
  ) throws -> ProfilingServer? {
    guard profile.enabled else { return nil }
    return try ProfilingServer(
      listenAddress: profile.address, report: { Node.state(of: registrar) }, time: time,
      logger: logger)
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
