// The operations service: /metrics, /healthz, /logspec and /version over HTTP.

import Concurrency
import GoText
import HTTPTransport
import Logging
import NodeMetrics

/// What `/logspec` shows and sets.
package protocol LogSpecControl: Sendable {
  /// The active log spec in normal form.
  var spec: String { get }
  /// Activates a log spec. Throws, with a message for the client, and changes nothing if it is invalid.
  func setSpec(_ spec: String) throws
}

/// What `/version` tells.
package struct VersionInformation: Sendable {
  package var version: String
  package var commitSHA: String

  package init(version: String, commitSHA: String) {
    self.version = version
    self.commitSHA = commitSHA
  }
}

/// The operations service of a node (Fabric: core/operations).
///
/// `/healthz` and `/version` are open; `/metrics` and `/logspec`, with TLS, need a verified client
/// certificate. `/metrics` is there only with Prometheus as provider. Requests are not logged, as in
/// Go, apart from those that are refused for want of a certificate.
package final class OperationsServer: Sendable {
  private let server: HTTPServer

  /// - Parameters:
  ///   - listenAddress: `Operations.ListenAddress`
  ///   - prometheus: What `/metrics` shows; nil with another provider.
  ///   - now: The wall clock, for `/healthz` and the date of responses.
  /// - Throws: ``HTTPServerError`` for TLS material or an address that cannot be used.
  package init(
    listenAddress: String, tls: HTTPServerTLS? = nil, version: VersionInformation,
    health: HealthChecks, logSpec: any LogSpecControl, prometheus: MetricRegistry? = nil,
    limits: HTTPServerLimits = HTTPServerLimits(), time: any TimeSource,
    now: @escaping @Sendable () -> UnixTime = UnixTime.now, logger: Logger
  ) throws {
    server = try HTTPServer(
      listenAddress: listenAddress, name: .operations, tls: tls, limits: limits, time: time,
      now: now, logger: logger)
    try server.register(OperationsRoutes.health(health, now: now))
    try server.register(OperationsRoutes.logSpec(logSpec))
    try server.register(OperationsRoutes.version(version))
    if let prometheus { try server.register(OperationsRoutes.metrics(prometheus)) }
  }

  /// Adds a route of another service, before or after the start.
  ///
  /// - Throws: ``HTTPServerError`` if its path has one already.
  package func register(_ route: HTTPRoute) throws { try server.register(route) }

  /// Uses this TLS in the handshakes to come.
  ///
  /// - Throws: ``HTTPServerError`` if it cannot be used; the old one is kept then.
  package func renew(_ tls: HTTPServerTLS) throws(HTTPServerError) { try server.renew(tls) }

  /// Listens and serves.
  ///
  /// - Throws: ``HTTPServerError`` with a text such as `failed to start operations subsystem: listen
  ///   tcp 127.0.0.1:9443: bind: address already in use (Operations.ListenAddress)`.
  package func start() async throws { try await server.start() }

  /// The address that the server listens on, as `host:port`; nil before the start and after the end.
  package var boundAddress: String? { server.boundAddress }

  /// Stops: no new connections; requests get up to `grace` to end.
  package func shutdown(grace: Duration = .seconds(5)) async {
    await server.shutdown(grace: grace)
  }
}
