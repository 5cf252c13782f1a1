// What belongs to one connection and is shared by its channel handlers, on its event loop.

import Concurrency
import Logging
import NIOCore
import Sockets

/// What all connections of a server share.
struct GRPCServerEnvironment: Sendable {
  let limits: GRPCServerLimits
  let keepalive: GRPCServerKeepalive
  let methods: MethodTable
  let budget: InboundBudget
  let registry: ServerRegistry
  let observer: any GRPCServerObserver
  let time: any TimeSource
  let logger: Logger
}

/// One connection. Touched on its event loop only.
final class GRPCConnection {
  let environment: GRPCServerEnvironment
  let remoteAddress: String
  let executor: any TaskExecutor
  /// Set when the TLS handshake is done.
  var peerCertificates: [[UInt8]] = []

  /// When anything was last read from the socket.
  var lastRead: NIODeadline
  /// Whether a DATA or HEADERS frame was sent since the flag was last cleared.
  var sentDataOrHeaders = false
  /// Whether input is thrown away because the connection is closing behind a GOAWAY; HTTP/2 would
  /// take it for an error and send another GOAWAY.
  var isDiscarding = false
  /// GOAWAY frames that were sent, by this program's handlers or by HTTP/2's.
  var goAwaysSent = 0

  /// Called when the last stream is gone.
  var onIdle: (() -> Void)?

  private var streams: [ObjectIdentifier: GRPCStreamHandler] = [:]
  private var runningHandlers = 0

  init(
    environment: GRPCServerEnvironment, remoteAddress: String, eventLoop: any EventLoop,
    now: NIODeadline
  ) {
    self.environment = environment
    self.executor = EventLoopExecutor(eventLoop)
    self.remoteAddress = remoteAddress
    self.lastRead = now
  }

  var hasStreams: Bool { !streams.isEmpty }

  /// Whether another handler may run. Handlers that outlive their streams count: a client that
  /// opens and resets streams cannot pile them up.
  func admitHandler() -> Bool {
    guard runningHandlers < environment.limits.maximumConcurrentStreams,
      environment.registry.handlerStarted()
    else { return false }
    runningHandlers += 1
    return true
  }

  func handlerEnded() {
    runningHandlers -= 1
  }

  func streamOpened(_ handler: GRPCStreamHandler) {
    streams[ObjectIdentifier(handler)] = handler
  }

  func streamClosed(_ handler: GRPCStreamHandler) {
    guard streams.removeValue(forKey: ObjectIdentifier(handler)) != nil else { return }
    if streams.isEmpty { onIdle?() }
  }

  func abortStreams(_ status: GRPCStatus) {
    for handler in Array(streams.values) { handler.abort(status) }
  }
}
