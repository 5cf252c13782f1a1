// What a running node consists of: how it starts, and how it stops.

import Concurrency
import FabricLogging
import GRPCTransport
import Logging
import Membership
import Multichannel
import Operations
import OrdererConfiguration

/// What ``OrdererServer`` starts and stops.
final class Node: Sendable {
  private let operations: NodeOperations
  private let parts: NodeParts
  private let logger: Logger

  /// Streams that are still open when the node stops get this long to end by themselves.
  static let shutdownGrace = Duration.seconds(2)

  /// Builds every part, opens the channels and starts their chains. The operations service listens
  /// before that, and clients are not served yet.
  init(
    _ configuration: OrdererConfiguration, directory: String, build: BuildInformation,
    time: any TimeSource, logging: FabricLogging
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
    operations = try NodeOperations(configuration, build: build, time: time, logging: logging)
    try await operations.start()
    do {
      parts = try await NodeParts(
        configuration, directory: directory, signer: localMSP.signer, operations: operations,
        time: time, logging: logging)
    } catch {
      await operations.shutdown()
      throw error
    }
  }

  /// Begins to serve clients.
  ///
  /// - Returns: What is listened on, as `host:port`.
  /// - Throws: An error with a message for the operator.
  func start() async throws -> String {
    try await parts.profiling?.start()
    do {
      return try await parts.server.start()
    } catch {
      throw StartupError("Failed to listen: \(error)")
    }
  }

  /// Stops accepting, ends the streams, writes what is pending, closes the ledgers. Operators can look
  /// on until all that is done.
  func stop() async {
    await parts.server.shutdown(grace: Self.shutdownGrace)
    await parts.registrar.halt()
    await parts.ledgers.close()
    await parts.traces.finish()
    await parts.profiling?.shutdown()
    await operations.shutdown()
  }

  /// Tells the log what the node is doing.
  func report() {
    logger.info(
      "Go routines report: (tasks and queues of this node)\n\(Self.state(of: parts.registrar))")
  }

  /// What the node is doing, a line for each channel.
  static func state(of registrar: Registrar) -> String {
    registrar.channels().sorted { $0.id < $1.id }.map { channel in
      "channel \(channel.id): height \(channel.tip.height), config sequence "
        + "\(channel.bundle.sequence), \(channel.problem ?? "ordering")"
    }.joined(separator: "\n")
  }
}
