// What operators look at: metrics, health, log spec and version, and where they are served.

import Concurrency
import FabricLogging
import HTTPTransport
import Logging
import MetricDescriptions
import Metrics
import NodeMetrics
import Operations
import OrdererConfiguration
import Ordering
import Synchronization

/// The operations service of a node with its metrics (Fabric: `core/operations`).
///
/// It is always there; `Operations.ListenAddress` is any free port of the loopback interface unless it
/// is set. It starts before the channels are opened and ends last.
final class NodeOperations: Sendable {
  /// Where the rooms of the node record.
  let metrics: any MetricsFactory
  let health: HealthChecks
  private let server: OperationsServer
  private let tls: OrdererConfiguration.TLS
  private let reporter: StatsdReporter?
  private let logging: FabricLogging
  private let time: any TimeSource
  private let logCounters: LogCounters?
  private let follower = Mutex<Task<Void, Never>?>(nil)

  /// - Throws: ``StartupError`` or an error of the `Operations` room, naming the setting.
  init(
    _ configuration: OrdererConfiguration, build: BuildInformation, time: any TimeSource,
    logging: FabricLogging
  ) throws {
    self.logging = logging
    self.time = time
    health = HealthChecks(time: time)
    let logger = logging.logger("orderer.operations")
    let registry: MetricRegistry?
    switch configuration.metrics.provider {
    case .disabled: registry = nil
    case .prometheus: registry = MetricRegistry(catalogue: .node, logger: logger)
    case .statsd:
      registry = MetricRegistry(catalogue: .node, keepsObservations: true, logger: logger)
    }
    let factory: any MetricsFactory = registry ?? NOOPMetricsHandler.instance
    metrics = factory
    factory.gauge(BuildInformation.versionGauge, BuildInformation.version).record(1)
    logCounters = registry.map { LogCounters(factory: $0) }
    if configuration.metrics.provider == .statsd, let registry {
      reporter = StatsdReporter(
        configuration: try Self.statsd(configuration.metrics.statsd), registry: registry,
        time: time, logger: logger)
    } else {
      reporter = nil
    }
    tls = configuration.operations.tls
    let asked = configuration.operations.listenAddress
    server = try OperationsServer(
      listenAddress: asked.isEmpty ? OrdererConfiguration().operations.listenAddress : asked,
      tls: try TLSMaterial.operations(tls),
      version: VersionInformation(version: BuildInformation.version, commitSHA: build.commit),
      health: health, logSpec: LogSpecs(logging: logging),
      prometheus: configuration.metrics.provider == .prometheus ? registry : nil, time: time,
      logger: logger)
  }

  /// The files of its TLS; nil without.
  var keys: (any Renewable)? {
    let server = server
    return TLSMaterial.renewable(tls, section: "Operations.TLS") { [tls] port in
      if let renewed = try TLSMaterial.operations(tls, from: port) { try server.renew(renewed) }
    }
  }

  /// The address that the service listens on, as `host:port`; nil unless it runs.
  var address: String? { server.boundAddress }

  /// Begins to push metrics, then listens.
  func start() async throws {
    if let reporter {
      do {
        try await reporter.start()
      } catch {
        throw StartupError("failed to start operations subsystem: \(error)")
      }
    }
    try await server.start()
    logging.logger("orderer.operations").info(
      "The operations service is listening", metadata: ["address": .string(address ?? "")])
    guard let logCounters else { return }
    follower.withLock { follower in
      follower = Task { [logging, time] in await logCounters.follow(logging, on: time) }
    }
  }

  /// Ends; the last metrics are pushed before.
  func shutdown() async {
    follower.withLock { $0.take() }?.cancel()
    logCounters?.update(logging.statistics)
    await reporter?.shutdown()
    await server.shutdown()
  }

  private static func statsd(
    _ statsd: OrdererConfiguration.Statsd
  ) throws -> StatsdConfiguration {
    guard let network = StatsdConfiguration.Network(rawValue: statsd.network) else {
      throw StartupError(
        """
        failed to start operations subsystem: Metrics.Statsd.Network is '\(statsd.network)'; set it \
        to udp or tcp
        """)
    }
    guard statsd.writeInterval > .zero else {
      throw StartupError(
        """
        failed to start operations subsystem: Metrics.Statsd.WriteInterval is \
        \(statsd.writeInterval); set it to the time between two reports, e.g. 30s
        """)
    }
    return StatsdConfiguration(
      network: network, address: statsd.address, writeInterval: statsd.writeInterval,
      prefix: statsd.prefix)
  }
}

/// `/logspec` over the node's logging.
private struct LogSpecs: LogSpecControl {
  let logging: FabricLogging

  var spec: String { logging.spec }
  func setSpec(_ spec: String) throws { try logging.setSpec(spec) }
}
