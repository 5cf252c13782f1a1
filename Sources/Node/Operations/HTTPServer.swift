// A small HTTP/1.1 server for operators: listens, builds pipelines, stops within a bound.

import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP server; see ``OperationsServer`` for the node's.
///
/// Requests of a connection are answered one after the other; every size, number and time has a
/// bound in ``HTTPServerLimits`` and ``HTTPRoute``. Paths are matched as Go's ServeMux does; what no
/// route is for gets 404.
package final class HTTPServer: Sendable {
  private enum State {
    /// → starting, stopped
    case idle
    /// → serving, stopped
    case starting
    /// → stopped
    case serving(listener: any Channel, group: MultiThreadedEventLoopGroup)
    case stopped
  }

  /// Connections that the kernel keeps for us.
  private static let backlog: Int32 = 128
  /// How much is read at once; bounds how many pipelined requests are parsed ahead.
  private static let readBytes = 16 << 10
  /// How long closing connections and cancelled handlers are waited for.
  private static let closingTime = Duration.seconds(2)

  private let address: NetworkAddress
  private let addressText: String
  private let name: HTTPServerName
  private let tls: NIOSSLContext?
  private let state = Mutex(State.idle)
  let environment: HTTPServerEnvironment

  /// - Parameters:
  ///   - listenAddress: `host:port` as in orderer.yaml; an empty host is every interface, port 0 any.
  /// - Throws: ``HTTPServerError`` for TLS material or an address that cannot be used.
  package init(
    listenAddress: String, name: HTTPServerName, tls: HTTPServerTLS? = nil,
    limits: HTTPServerLimits = HTTPServerLimits(), logger: Logger
  ) throws {
    do {
      address = try NetworkAddress(listenAddress)
    } catch {
      throw HTTPServerError(
        cannotStart: name, "listen tcp: \(error.description) (\(name.addressSetting))")
    }
    addressText = listenAddress
    self.name = name
    self.tls = try tls.map { try HTTPServerTLSContext.make($0, name: name) }
    environment = HTTPServerEnvironment(limits: limits, isEncrypted: tls != nil, logger: logger)
  }

  /// Adds a route, before or after the start.
  ///
  /// - Throws: ``HTTPServerError`` if its path has one already.
  package func register(_ route: HTTPRoute) throws { try environment.router.register(route) }

  /// Listens and serves.
  ///
  /// - Throws: ``HTTPServerError``; `CancellationError` when the server was started or stopped before.
  package func start() async throws {
    let mayStart = state.withLock { state in
      guard case .idle = state else { return false }
      state = .starting
      return true
    }
    guard mayStart else { throw CancellationError() }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let listener: any Channel
    do {
      listener = try await listen(group)
    } catch {
      state.withLock { $0 = .stopped }
      try? await group.shutdownGracefully()
      throw error
    }
    let isServing = state.withLock { state in
      guard case .starting = state else { return false }
      state = .serving(listener: listener, group: group)
      return true
    }
    guard isServing else {
      try? await listener.close()
      try? await group.shutdownGracefully()
      throw CancellationError()
    }
  }

  /// What is listened on, as `host:port`; nil before the start and after the end.
  package var boundAddress: String? {
    state.withLock { state in
      guard case .serving(let listener, _) = state else { return nil }
      return NetworkAddress.text(listener.localAddress)
    }
  }

  /// Stops: no new connections; requests get up to `grace` to end. Returns within `grace` and a few
  /// seconds at most.
  package func shutdown(grace: Duration = .seconds(5)) async {
    let previous = state.withLock { state in
      let previous = state
      state = .stopped
      return previous
    }
    guard case .serving(let listener, let group) = previous else { return }
    try? await listener.close()
    let connections = environment.stopAccepting()
    for connection in connections {
      connection.pipeline.fireUserInboundEventTriggered(HTTPConnectionCommand.drain)
    }
    await wait(atMost: grace) { self.environment.connectionCount == 0 }
    for connection in connections { connection.close(promise: nil) }
    await wait(atMost: Self.closingTime) {
      self.environment.connectionCount == 0 && self.environment.handlerCount == 0
    }
    // A handler that ignores its cancellation would meet an event loop that is gone; it keeps it.
    guard environment.handlerCount == 0 else {
      environment.logger.warning(
        "\(environment.handlerCount) requests still run after the \(name.subsystem) has stopped")
      return
    }
    try? await group.shutdownGracefully()
  }

  private func wait(atMost limit: Duration, until condition: () -> Bool) async {
    let end = ContinuousClock.now + limit
    while !condition(), ContinuousClock.now < end {
      try? await Task.sleep(for: .milliseconds(5))
      if Task.isCancelled { return }
    }
  }

  // MARK: Pipelines

  private struct ConnectionLimitReached: Error {}

  private func listen(_ group: MultiThreadedEventLoopGroup) async throws -> any Channel {
    let (environment, tls) = (environment, tls)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        // Without descriptors left, accepting pauses instead of spinning.
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes)
      )
      // Within TLS an end without close_notify is an error.
      .childChannelOption(.allowRemoteHalfClosure, value: tls == nil)
      .childChannelInitializer { channel in
        guard environment.admit(channel) else {
          environment.warn(
            "Refusing a connection: the limit of \(environment.limits.connections) connections is "
              + "reached", ["remoteAddress": "\(NetworkAddress.text(channel.remoteAddress))"])
          return channel.eventLoop.makeFailedFuture(ConnectionLimitReached())
        }
        return channel.eventLoop.makeCompletedFuture {
          try Self.configure(channel, environment: environment, tls: tls)
        }
      }
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

  private static func configure(
    _ channel: any Channel, environment: HTTPServerEnvironment, tls: NIOSSLContext?
  ) throws {
    let pipeline = channel.pipeline.syncOperations
    var tlsHandler: NIOSSLServerHandler?
    if let tls {
      let handler = NIOSSLServerHandler(context: tls)
      try pipeline.addHandler(handler)
      tlsHandler = handler
    }
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = environment.limits.headerBytes
    limits.maxHeaderListSize = environment.limits.headerBytes
    limits.maxHeaderFieldCount = environment.limits.headerCount
    try pipeline.addHandler(HTTPResponseEncoder())
    // The parser takes all it gets, except behind an upgrade; the bound is for that.
    try pipeline.addHandler(
      ByteToMessageHandler(
        HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits),
        maximumBufferSize: environment.limits.headerBytes + readBytes))
    try pipeline.addHandler(
      HTTPConnection(
        environment: environment, remoteAddress: NetworkAddress.text(channel.remoteAddress),
        tls: tlsHandler))
  }
}
