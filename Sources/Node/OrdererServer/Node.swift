// What a running node consists of: how it starts, and how it stops.

import Concurrency
import FabricCrypto
import FabricLogging
import Foundation
import GRPCTransport
import Logging
import Membership
import Multichannel
import Operations
import OrdererConfiguration

/// What ``OrdererServer`` starts and stops.
///
/// Start-up:
/// 1. what this version does not serve is refused, or named in the log;
/// 2. the node's own identity is loaded;
/// 3. the operations service listens, so that operators can watch;
/// 4. the ledgers and channels are opened, and the chains start (``NodeParts``);
/// 5. the admin and the profiling service listen;
/// 6. the cluster's port listens, if it has one, then the client port.
///
/// Shut-down, each step within its bound, so that the whole takes less than ``Bounds/total``:
/// 1. the admin service ends: no channel is joined or left any more;
/// 2. other nodes take over the leadership of channels;
/// 3. the client port closes: no new connections, and streams get a moment to end by themselves;
/// 4. the chains halt, which writes the blocks that they have begun;
/// 5. connections to other nodes end, and those that come from them to a port of their own;
/// 6. the ledgers close;
/// 7. traces of requests are written to their end;
/// 8. the profiling service ends;
/// 9. the operations service ends, after it has pushed the last metrics.
final class Node: Sendable {
  /// How long the steps of a shut-down may take. What takes longer is left behind: the process is about
  /// to end, and the ledgers are made for a process that ends at any moment.
  enum Bounds {
    /// Streams that are still open when the node stops get this long to end by themselves.
    static let grace = Duration.seconds(2)
    static let administration = Duration.seconds(20)
    static let leadership = Duration.seconds(10)
    static let clientPort = Duration.seconds(20)
    static let chains = Duration.seconds(60)
    static let cluster = Duration.seconds(10)
    static let ledgers = Duration.seconds(20)
    static let traces = Duration.seconds(20)
    static let profiling = Duration.seconds(10)
    static let operations = Duration.seconds(20)

    static let total =
      administration + leadership + clientPort + chains + cluster + ledgers + traces + profiling
      + operations
  }

  private let operations: NodeOperations
  private let parts: NodeParts
  private let memory: Task<Void, Never>
  private let keys: KeyKeeper
  private let keyKeeping: Task<Void, Never>
  private let time: any TimeSource
  private let logger: Logger

  /// The first four steps of the start-up: clients are not served yet.
  ///
  /// - Throws: An error with a message for the operator; nothing runs then.
  init(
    _ configuration: OrdererConfiguration, directory: String, build: BuildInformation,
    time: any TimeSource, logging: FabricLogging
  ) async throws {
    self.time = time
    logger = logging.logger("orderer.common.server")
    try UnservedSettings.refuse(configuration)
    for notice in UnservedSettings.notices(configuration) { logger.warning("\(notice)") }
    let localMSP = try Self.localMSP(configuration.general, logger)
    let verificationTables = configuration.general.verificationTables
    if verificationTables.enabled { KeyTables.turnOn(keys: verificationTables.keys) }
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
    let keeper = MemoryKeeper(ledgers: parts.ledgers, time: time)
    memory = Task { await keeper.run() }
    let keys = parts.keyKeeper(beside: operations, time: time, logger: logger)
    self.keys = keys
    keyKeeping = Task { await keys.run() }
  }

  /// The last two steps: begins to serve clients.
  ///
  /// - Returns: The address that the client port listens on, as `host:port`.
  /// - Throws: An error with a message for the operator; the caller has to stop what runs then.
  func start() async throws -> String {
    try await parts.administration?.start()
    try await parts.profiling?.start()
    do {
      if let cluster = parts.clusterServer {
        let address = try await cluster.start()
        logger.info("Starting cluster listener on \(address)")
      }
      return try await parts.server.start()
    } catch {
      throw StartupError("Failed to listen: \(error)")
    }
  }

  /// Stops; see the type for the order.
  func stop() async {
    let (parts, operations) = (parts, operations)
    memory.cancel()
    keyKeeping.cancel()
    await step("the admin service", within: Bounds.administration) {
      await parts.administration?.shutdown()
    }
    // While other nodes still reach this one, so that their channels have a leader all the time.
    await step("the leadership of channels", within: Bounds.leadership) {
      await parts.raft.giveWay()
    }
    await step("the client port", within: Bounds.clientPort) {
      await parts.server.shutdown(grace: Bounds.grace)
    }
    await step("the chains", within: Bounds.chains) {
      await parts.registrar.halt()
      await parts.raft.close()
    }
    await step("the connections to other nodes", within: Bounds.cluster) {
      parts.cluster.shutdown()
      await parts.clusterServer?.shutdown(grace: .zero)
      await parts.dialer.shutdown()
    }
    await step("the ledgers", within: Bounds.ledgers) { await parts.ledgers.close() }
    await step("the traces of requests", within: Bounds.traces) { await parts.traces.finish() }
    await step("the profiling service", within: Bounds.profiling) {
      await parts.profiling?.shutdown()
    }
    await step("the operations service", within: Bounds.operations) {
      await operations.shutdown()
    }
  }

  private func step(
    _ name: String, within limit: Duration, _ body: @escaping @Sendable () async -> Void
  ) async {
    if await !Self.isDone(within: limit, on: time, body) {
      logger.error("The shut-down no longer waits for \(name), after \(limit)")
    }
  }

  /// Whether some work ends in time; if not, it is left to itself.
  static func isDone(
    within limit: Duration, on time: any TimeSource, _ body: @escaping @Sendable () async -> Void
  ) async -> Bool {
    let isDone = Watched(false)
    Task {
      await body()
      isDone.change { $0 = true }
    }
    return await isDone.wait(until: time.now + limit, on: time) { $0 ? () : nil } != nil
  }

  private static func localMSP(
    _ general: OrdererConfiguration.General, _ logger: Logger
  ) throws -> LocalMSP {
    let keyStore = general.bccsp.software.keyStore
    let localMSP = try StartupError.wrap("Failed to get local MSP identity") {
      try LocalMSP(
        directory: general.localMSPDir, mspID: general.localMSPID,
        keyStoreDirectory: keyStore.isEmpty ? nil : keyStore, now: Date())
    }
    for notice in localMSP.notices { logger.warning("\(notice)") }
    logger.debug("Loaded the local MSP \(general.localMSPID) from \(general.localMSPDir)")
    return localMSP
  }

  /// Has the files of TLS read again if they have changed.
  func renewKeys() { keys.lookSoon() }

  /// Logs what the node is doing.
  func report() {
    logger.info(
      "Go routines report: (tasks and queues of this node)\n\(Self.state(of: parts.registrar))")
  }

  private static func doing(_ channel: Channel) -> String {
    channel.chain.participation.relation == .configTracker ? "tracked" : "ordering"
  }

  /// What the node is doing, a line for each channel.
  static func state(of registrar: Registrar) -> String {
    registrar.channels().sorted { $0.id < $1.id }.map { channel in
      "channel \(channel.id): height \(channel.tip.height), config sequence "
        + "\(channel.bundle.sequence), \(channel.problem ?? doing(channel))"
    }.joined(separator: "\n")
  }
}
