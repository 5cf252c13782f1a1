// The client: connects to servers, and holds what all its connections share.

import Concurrency
import Logging
import NIOCore
import NIOHTTP2
import NIOPosix

/// What all connections of a client share.
struct GRPCClientEnvironment: Sendable {
  let limits: HTTP2Limits
  let keepalive: GRPCClientKeepalive
  let budget: InboundBudget
  let logger: Logger
}

/// A gRPC client over HTTP/2 for raw messages. It keeps no connection of its own accord: who dials has the connection.
package final class GRPCClient: Sendable {
  private let configuration: GRPCClientConfiguration
  private let environment: GRPCClientEnvironment
  private let group: MultiThreadedEventLoopGroup

  package init(
    configuration: GRPCClientConfiguration = GRPCClientConfiguration(), logger: Logger
  ) {
    let configuration = configuration.normalized
    self.configuration = configuration
    let limits = configuration.limits
    environment = GRPCClientEnvironment(
      limits: limits, keepalive: configuration.keepalive,
      budget: InboundBudget(
        windowLimit: limits.maximumWindowBytesTotal, bufferLimit: limits.maximumBufferedBytesTotal),
      logger: logger)
    group = MultiThreadedEventLoopGroup(
      numberOfThreads: max(1, configuration.eventLoopThreads))
  }

  /// Connects to a server: its address, TCP, TLS, and its first SETTINGS frame.
  ///
  /// - Parameters:
  ///   - host: A name or an address, without brackets.
  ///   - tls: Nil for plaintext.
  /// - Throws: ``GRPCDialError``; `cancelled` as soon as the task is cancelled.
  package func connect(
    to host: String, port: Int, tls: GRPCClientTLS?
  ) async throws(GRPCDialError) -> GRPCClientConnection {
    let session: ClientTLSSession?
    if let tls { session = try ClientTLSSession(tls, host: host) } else { session = nil }
    let dial = Dial()
    let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    let deadline = NIODeadline.now() + TimeAmount(configuration.dialTimeout)
    let bootstrap = ClientBootstrap(group: group)
      .connectTimeout(TimeAmount(configuration.dialTimeout))
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(.maxMessagesPerRead, value: 4)
      .channelOption(
        .writeBufferWaterMark, value: environment.limits.connectionWatermark
      )
      .channelInitializer { [environment] channel in
        channel.eventLoop.makeCompletedFuture {
          try dial.started(channel)
          try Self.configure(
            channel, environment: environment, tls: session, authority: authority, dial: dial,
            deadline: deadline)
        }
      }
    bootstrap.connect(host: host, port: port).whenComplete { result in
      switch result {
      case .success(let channel): dial.chosen(channel)
      case .failure(let error): dial.failed(GRPCDialError(error))
      }
    }
    return try await dial.outcome()
  }

  /// Closes all connections; what is under way on them fails. Nothing may be dialled afterwards.
  package func shutdown() async {
    try? await group.shutdownGracefully()
  }

  /// For tests: what is held.
  var budget: InboundBudget { environment.budget }
}

// MARK: - Pipeline

extension GRPCClient {
  /// The pipeline: TLS, what watches the wire, the gate for frames, HTTP/2 with its streams, the connection.
  @discardableResult
  static func configure(
    _ channel: any Channel, environment: GRPCClientEnvironment, tls: ClientTLSSession?,
    authority: String, dial: Dial, deadline: NIODeadline
  ) throws -> ClientConnection {
    channel.setUserTimeout(environment.keepalive.timeout)
    let pipeline = channel.pipeline.syncOperations
    let refusal = TLSRefusal()
    let tap = tls?.exporters.map { ClientRandomTap(.client, $0) }
    if let tap { try pipeline.addHandler(tap) }
    let tlsHandler = try tls?.makeHandler(refusal: refusal)
    if let tlsHandler { try pipeline.addHandler(tlsHandler) }
    let wire = WireState(limits: environment.limits.frames, now: channel.eventLoop.now)
    try pipeline.addHandler(WireObserver(wire: wire))
    try pipeline.addHandler(FrameGuard(wire: wire, from: .server))
    let http2 = NIOHTTP2Handler(
      mode: .client, eventLoop: channel.eventLoop,
      connectionConfiguration: .bounded(
        settings: [HTTP2Setting(parameter: .enablePush, value: 0)], limits: environment.limits),
      streamConfiguration: .bounded(environment.limits)
    ) { stream in
      // Servers push nothing, as announced.
      stream.close()
    }
    try pipeline.addHandler(http2)
    let connection = ClientConnection(
      environment: environment, wire: wire, authority: authority,
      scheme: tls == nil ? "http" : "https", channel: channel,
      multiplexer: try http2.syncMultiplexer())
    try pipeline.addHandler(
      ClientConnectionHandler(
        connection: connection, tls: tlsHandler, tap: tap, refusal: refusal, dial: dial,
        deadline: deadline))
    return connection
  }
}
