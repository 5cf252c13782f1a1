// The parts of a running node, built in the order in which they depend on each other.

import AtomicBroadcast
import BlockLedger
import FabricLogging
import FabricProtos
import Foundation
import GRPCTransport
import KafkaConsensus
import Logging
import Membership
import MessageProcessing
import Multichannel
import OrdererConfiguration
import Ordering
import SoloConsensus

/// What ``OrdererServer`` starts and stops.
final class Node: Sendable {
  let registrar: Registrar
  let server: GRPCServer
  private let ledgers: any LedgerFactory
  private let logger: Logger

  /// Streams that are still open when the node stops get this long to end by themselves.
  static let shutdownGrace = Duration.seconds(2)

  /// Builds every part, opens the channels and starts their chains. The node does not listen yet.
  init(
    _ configuration: OrdererConfiguration, directory: String, logging: FabricLogging
  ) async throws {
    let general = configuration.general
    logger = logging.logger("orderer.common.server")
    try UnservedSettings.refuse(configuration)
    for notice in UnservedSettings.notices(configuration) { logger.warning("\(notice)") }
    let keyStore = general.bccsp.software.keyStore
    let localMSP = try StartupError.wrap("Failed to get local MSP identity") {
      try LocalMSP(
        directory: general.localMSPDir, mspID: general.localMSPID,
        keyStoreDirectory: keyStore.isEmpty ? nil : keyStore)
    }
    for notice in localMSP.notices { logger.warning("\(notice)") }
    logger.debug("Loaded the local MSP \(general.localMSPID) from \(general.localMSPDir)")
    ledgers = try StartupError.wrap("Failed to create ledger factory") {
      try Self.ledgerFactory(configuration, logging)
    }
    let trust = ClientTrust(
      configured: general.tls.enabled ? try TLSMaterial.clientRoots(general.tls) : [],
      logger: logging.logger("comm.grpc.server"))
    let environment = ProcessingEnvironment(
      checksExpiration: !general.authentication.noExpirationChecks,
      logger: logging.logger("orderer.common.msgprocessor"))
    registrar = Registrar(
      ledgers: ledgers, signer: localMSP.signer,
      consenters: [
        SoloConsenter.type: SoloConsenter(logger: logging.logger("orderer.consensus.solo")),
        KafkaConsenter.type: KafkaConsenter(
          settings: KafkaSettings(configuration.kafka),
          logger: logging.logger("orderer.consensus.kafka")),
      ],
      environment: environment, onConfiguration: { trust.update($0) },
      logger: logging.logger("orderer.common.multichannel"))
    if try ledgers.channelIDs().isEmpty {
      let genesis = try BootstrapBlock.load(
        general, configurationDirectory: directory, logger: logger)
      if let genesis { try await registrar.bootstrap(genesis) }
    } else {
      logger.info("Not bootstrapping the system channel because of existing channels")
    }
    try await registrar.initialize()
    do {
      server = try Self.server(configuration, registrar: registrar, logging: logging)
    } catch let error as GRPCTLSError {
      throw StartupError("Failed to set up the TLS of the client port (General.TLS): \(error)")
    }
    trust.attach(server)
  }

  /// Stops accepting, ends the streams, writes what is pending, closes the ledgers.
  func stop() async {
    await server.shutdown(grace: Self.shutdownGrace)
    await registrar.halt()
    await ledgers.close()
  }

  /// Tells the log what the node is doing.
  func report() {
    var lines = ["Go routines report: (tasks and queues of this node)"]
    for channel in registrar.channels().sorted(by: { $0.id < $1.id }) {
      lines.append(
        "channel \(channel.id): height \(channel.tip.height), config sequence "
          + "\(channel.bundle.sequence), \(channel.tip.error ?? "ordering")")
    }
    logger.info("\(lines.joined(separator: "\n"))")
  }

  private static func ledgerFactory(
    _ configuration: OrdererConfiguration, _ logging: FabricLogging
  ) throws -> any LedgerFactory {
    let location = configuration.fileLedger.location
    switch configuration.general.ledgerType {
    case .file:
      return try FileLedgerFactory(
        directory: location, logger: logging.logger("common.ledger.blockledger.file"))
    case .json:
      return try JSONLedgerFactory(
        directory: location, logger: logging.logger("common.ledger.blockledger.json"))
    case .ram: return RAMLedgerFactory(historySize: configuration.ramLedger.historySize)
    }
  }

  private static func server(
    _ configuration: OrdererConfiguration, registrar: Registrar, logging: FabricLogging
  ) throws -> GRPCServer {
    let general = configuration.general
    var limits = GRPCServerLimits()
    limits.maximumReceiveMessageBytes = Int(general.maxRecvMsgSize)
    limits.maximumSendMessageBytes = Int(general.maxSendMsgSize)
    limits.connectionTimeout = general.connectionTimeout
    let broadcast = BroadcastHandler(
      registrar: registrar, logger: logging.logger("orderer.common.broadcast"))
    let deliver = DeliverHandler(
      registrar: registrar,
      options: DeliverHandler.Options(
        timeWindow: general.authentication.timeWindow,
        requiresBinding: general.tls.enabled && general.tls.clientAuthRequired,
        checksExpiration: !general.authentication.noExpirationChecks),
      logger: logging.logger("common.deliver"))
    return try GRPCServer(
      configuration: GRPCServerConfiguration(
        host: general.listenAddress, port: Int(general.listenPort),
        tls: try TLSMaterial.load(general.tls),
        keepalive: GRPCServerKeepalive(
          serverMinInterval: general.keepalive.serverMinInterval,
          serverInterval: general.keepalive.serverInterval,
          serverTimeout: general.keepalive.serverTimeout),
        limits: limits),
      methods: AtomicBroadcastService.methods(broadcast: broadcast, deliver: deliver),
      logger: logging.logger("comm.grpc.server"))
  }
}
