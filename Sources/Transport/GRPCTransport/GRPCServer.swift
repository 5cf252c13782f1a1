// The server: listens, builds the pipeline of each connection, shuts down within a bound.

import Concurrency
import Logging
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import Sockets

/// The server cannot listen on the address.
package struct GRPCListenError: Error, Sendable, CustomStringConvertible {
  package let description: String

  /// In the words of Go's `net.Listen`, which operators' scripts look for.
  init(address: String, underlying error: any Error) {
    description =
      "failed to listen: listen tcp \(address): \(NetworkAddress.reason(error, call: "bind"))"
  }
}

/// A gRPC server over HTTP/2 for handlers of raw messages.
package final class GRPCServer: Sendable {
  private let configuration: GRPCServerConfiguration
  private let environment: GRPCServerEnvironment
  private let tls: TLSContexts?
  private let time: any TimeSource
  private let life: ServerLife

  /// - Parameter time: Limits how long a shutdown waits. Connections use their event loop's time.
  /// - Throws: `GRPCTLSError` when the TLS material cannot be used.
  package init(
    configuration: GRPCServerConfiguration, methods: [GRPCMethod], time: any TimeSource,
    logger: Logger, observer: any GRPCServerObserver = SilentObserver()
  ) throws {
    self.configuration = configuration
    self.time = time
    life = ServerLife(threads: configuration.eventLoopThreads)
    self.tls = try configuration.tls.map(TLSContexts.init)
    var methods = methods
    if configuration.isHealthServiceEnabled {
      methods += HealthService(services: MethodTable(methods).services).methods
    }
    let limits = configuration.limits.normalized
    self.environment = GRPCServerEnvironment(
      limits: limits, keepalive: configuration.keepalive.normalized, methods: MethodTable(methods),
      budget: InboundBudget(
        windowLimit: limits.http2.maximumWindowBytesTotal,
        bufferLimit: limits.http2.maximumBufferedBytesTotal),
      registry: ServerRegistry(maximumConnections: limits.maximumConnections),
      observer: observer, time: time, logger: logger)
  }

  /// Listens and serves.
  ///
  /// - Returns: the address that it listens on, as `host:port`.
  /// - Throws: `GRPCListenError`; `CancellationError` when the server was shut down before.
  @discardableResult
  package func start() async throws -> String {
    let running = try await life.start(listen)
    return NetworkAddress.text(running.listener.localAddress)
  }

  /// Replaces the judgement on clients' certificates for the handshakes to come. Where they are not required,
  /// nothing changes.
  package func updateClientVerification(
    _ verify: @escaping GRPCServerTLS.Verification
  ) throws(GRPCTLSError) {
    try tls?.update(verify)
  }

  /// Shows this certificate in the handshakes to come; connections that are there stay. Nothing changes without TLS.
  ///
  /// - Parameters:
  ///   - certificateChain: PEM text of the certificate, then of its intermediates.
  ///   - privateKey: PEM text.
  /// - Throws: If they cannot be used, or not together; the old ones are kept then.
  package func renew(certificateChain: [UInt8], privateKey: [UInt8]) throws(GRPCTLSError) {
    try tls?.update(certificateChain: certificateChain, privateKey: privateKey)
  }

  /// Stops: no new connections, a GOAWAY to the others, up to `grace` for their streams to end;
  /// then the rest is ended with `UNAVAILABLE`, tasks are cancelled and connections closed. Returns
  /// within `grace` and a few seconds at most.
  package func shutdown(grace: Duration) async {
    guard let running = await life.stop() else { return }
    let registry = environment.registry
    let connections = registry.stopAccepting()
    if grace > .zero {
      Self.tell(.drain, connections)
      _ = await registry.wait(for: .noConnections, atMost: grace, on: time)
    }
    Self.tell(.stop, connections)
    if await !registry.wait(for: .noConnections, atMost: Self.closingTime, on: time) {
      for connection in connections { connection.close(mode: .all, promise: nil) }
    }
    // A handler that ignores its cancellation still needs its event loops, so they keep running.
    guard await registry.wait(for: .noHandlers, atMost: Self.closingTime, on: time) else {
      environment.logger.warning(
        "\(registry.handlerCount) handlers still run after the gRPC server has stopped")
      return
    }
    try? await running.group.shutdownGracefully()
  }

  /// How long to wait for cancelled streams and handlers.
  private static let closingTime = Duration.seconds(2)

  private static func tell(_ command: ConnectionCommand, _ connections: [any Channel]) {
    for connection in connections {
      connection.pipeline.fireUserInboundEventTriggered(command)
    }
  }

  /// For tests: what is running.
  var registry: ServerRegistry { environment.registry }
  var budget: InboundBudget { environment.budget }
}

/// Observes nothing.
package struct SilentObserver: GRPCServerObserver {
  package init() {}
}

// MARK: - Pipelines

extension GRPCServer {
  private func listen(_ group: MultiThreadedEventLoopGroup) async throws -> any Channel {
    let environment = environment
    let limits = environment.limits.http2
    let tls = tls
    let keepaliveTimeout = environment.keepalive.serverTimeout
    let door = Doorkeeper(registry: environment.registry, logger: environment.logger)
    let bootstrap = ServerBootstrap.accepting(
      on: group, backlog: GRPCServerLimits.listenBacklog, through: door
    ) { channel in
      try Self.configure(
        channel, environment: environment, tls: tls, userTimeout: keepaliveTimeout)
    }
    .childChannelOption(.maxMessagesPerRead, value: 4)
    .childChannelOption(.writeBufferWaterMark, value: limits.connectionWatermark)
    let hosts = configuration.host.isEmpty ? ["::", "0.0.0.0"] : [configuration.host]
    var failure: any Error = CancellationError()
    for host in hosts {
      do {
        return try await bootstrap.bind(host: host, port: configuration.port).get()
      } catch {
        failure = error
      }
    }
    throw GRPCListenError(
      address: "\(configuration.host):\(configuration.port)", underlying: failure)
  }

  /// The pipeline: TLS, what watches the wire, the gate for frames, HTTP/2 with its streams, the
  /// connection.
  static func configure(
    _ channel: any Channel, environment: GRPCServerEnvironment, tls: TLSContexts?,
    userTimeout: Duration
  ) throws {
    channel.setUserTimeout(userTimeout)
    let pipeline = channel.pipeline.syncOperations
    let refusal = TLSRefusal()
    var tlsHandler: NIOSSLServerHandler?
    var tap: ClientRandomTap?
    if let tls {
      if let exporters = tls.exporters {
        let first = ClientRandomTap(.server, exporters)
        try pipeline.addHandler(first)
        tap = first
      }
      let handler = tls.makeHandler(refusal: refusal)
      try pipeline.addHandler(handler)
      tlsHandler = handler
    }
    let connection = GRPCConnection(
      environment: environment, remoteAddress: NetworkAddress.text(channel.remoteAddress),
      eventLoop: channel.eventLoop, now: channel.eventLoop.now)
    connection.tap = tap
    try pipeline.addHandler(WireObserver(wire: connection.wire))
    try pipeline.addHandler(FrameGuard(wire: connection.wire, from: .client))
    let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
    let limits = environment.limits.http2
    try pipeline.addHandler(
      NIOHTTP2Handler(
        mode: .server, eventLoop: channel.eventLoop,
        connectionConfiguration: .bounded(
          settings: [
            HTTP2Setting(
              parameter: .maxConcurrentStreams, value: limits.maximumConcurrentStreams)
          ], limits: limits),
        streamConfiguration: .bounded(limits)
      ) { stream in
        stream.eventLoop.makeCompletedFuture {
          try stream.pipeline.syncOperations.addHandler(
            GRPCStreamHandler(connection: bound.value))
        }
      })
    try pipeline.addHandler(
      ConnectionHandler(connection: connection, tls: tlsHandler, refusal: refusal))
  }
}
