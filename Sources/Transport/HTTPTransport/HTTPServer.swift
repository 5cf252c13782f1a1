// A small HTTP/1.1 server for operators: listens, builds pipelines, stops within a bound.

import Concurrency
import GoText
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Sockets

/// An HTTP server.
///
/// A connection's requests are answered one after the other; every size, number and time has a bound
/// in ``HTTPServerLimits`` and ``HTTPRoute``. Paths are matched as Go's ServeMux does; a path without a
/// route gets 404.
package final class HTTPServer: Sendable {
  /// Connections that the kernel queues for us.
  private static let backlog: Int32 = 128
  /// How much is read at once; bounds how many pipelined requests are parsed ahead.
  private static let readBytes = 16 << 10
  /// How long to wait for closing connections, and then for cancelled handlers.
  private static let closingTime = Duration.seconds(1)

  private let address: NetworkAddress
  private let addressText: String
  private let name: HTTPServerName
  private let tls: HTTPServerTLSContext?
  private let time: any TimeSource
  private let life = ServerLife(threads: 1)
  let environment: HTTPServerEnvironment

  /// - Parameters:
  ///   - listenAddress: `host:port` as in orderer.yaml; an empty host is every interface, port 0 any.
  ///   - time: Limits how long a shutdown waits. Connections use their event loop's time.
  ///   - now: The wall clock, for the date of responses.
  /// - Throws: ``HTTPServerError`` for TLS material or an address that cannot be used.
  package init(
    listenAddress: String, name: HTTPServerName, tls: HTTPServerTLS? = nil,
    limits: HTTPServerLimits = HTTPServerLimits(), time: any TimeSource,
    now: @escaping @Sendable () -> UnixTime = UnixTime.now, logger: Logger
  ) throws {
    do {
      address = try NetworkAddress(listenAddress)
    } catch {
      throw HTTPServerError(
        cannotStart: name, "listen tcp: \(error.description) (\(name.addressSetting))")
    }
    addressText = listenAddress
    self.name = name
    self.tls = try tls.map { try HTTPServerTLSContext($0, name: name) }
    self.time = time
    environment = HTTPServerEnvironment(
      limits: limits, isEncrypted: tls != nil, time: time, now: now, logger: logger)
  }

  /// Adds a route, before or after the start.
  ///
  /// - Throws: ``HTTPServerError`` if its path has one already.
  package func register(_ route: HTTPRoute) throws { try environment.router.register(route) }

  /// Uses this TLS in the handshakes to come; connections that are there stay. Nothing changes on a server that was
  /// made without TLS.
  ///
  /// - Throws: ``HTTPServerError`` if it cannot be used; the old one is kept then.
  package func renew(_ tls: HTTPServerTLS) throws(HTTPServerError) { try self.tls?.update(tls) }

  /// Listens and serves.
  ///
  /// - Throws: ``HTTPServerError``; `CancellationError` when the server was started or stopped before.
  package func start() async throws { _ = try await life.start(listen) }

  /// The address that the server listens on, as `host:port`; nil before the start and after the end.
  package var boundAddress: String? {
    life.running.map { NetworkAddress.text($0.listener.localAddress) }
  }

  /// Stops: no new connections; requests get up to `grace` to end. Returns within `grace` and a few
  /// seconds at most.
  package func shutdown(grace: Duration = .seconds(5)) async {
    guard let running = await life.stop() else { return }
    let registry = environment.registry
    let connections = registry.stopAccepting()
    for connection in connections {
      connection.pipeline.fireUserInboundEventTriggered(HTTPConnectionCommand.drain)
    }
    _ = await registry.wait(for: .noConnections, atMost: grace, on: time)
    for connection in connections { connection.close(promise: nil) }
    _ = await registry.wait(for: .noConnections, atMost: Self.closingTime, on: time)
    // A handler that ignores its cancellation still needs its event loop, so it keeps running.
    guard await registry.wait(for: .noHandlers, atMost: Self.closingTime, on: time) else {
      environment.logger.warning(
        "\(registry.handlerCount) requests still run after the \(name.subsystem) has stopped")
      return
    }
    try? await running.group.shutdownGracefully()
  }

  // MARK: Pipelines

  private func listen(_ group: MultiThreadedEventLoopGroup) async throws -> any Channel {
    let (environment, tls) = (environment, tls)
    let door = Doorkeeper(registry: environment.registry, logger: environment.logger)
    let bootstrap = ServerBootstrap.accepting(on: group, backlog: Self.backlog, through: door) {
      try Self.configure($0, environment: environment, tls: tls)
    }
    .childChannelOption(.maxMessagesPerRead, value: 1)
    .childChannelOption(
      .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes)
    )
    // Within TLS an end without close_notify is an error.
    .childChannelOption(.allowRemoteHalfClosure, value: tls == nil)
    var failure: any Error = CancellationError()
    for host in address.hostsToListen {
      do {
        return try await bootstrap.bind(host: host, port: address.port).get()
      } catch {
        failure = error
      }
    }
    throw HTTPServerError(
      cannotStart: name,
      "listen tcp \(addressText): \(NetworkAddress.reason(failure, call: "bind")) "
        + "(\(name.addressSetting))")
  }

  /// The pipeline: TLS, the parser within its bounds, the connection.
  static func configure(
    _ channel: any Channel, environment: HTTPServerEnvironment, tls: HTTPServerTLSContext?
  ) throws {
    let pipeline = channel.pipeline.syncOperations
    let session = tls?.session()
    if let session { try pipeline.addHandler(session.handler) }
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = environment.limits.headerBytes
    limits.maxHeaderListSize = environment.limits.headerBytes
    limits.maxHeaderFieldCount = environment.limits.headerCount
    try pipeline.addHandler(HTTPResponseEncoder())
    // The parser takes all it gets, except after an upgrade; the bound is for that case.
    try pipeline.addHandler(
      ByteToMessageHandler(
        HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits),
        maximumBufferSize: environment.limits.headerBytes + readBytes))
    try pipeline.addHandler(
      HTTPConnection(
        environment: environment, remoteAddress: NetworkAddress.text(channel.remoteAddress),
        tls: session))
  }
}
