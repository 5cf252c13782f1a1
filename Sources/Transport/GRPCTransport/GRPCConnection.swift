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

/// Where a connection is in its life.
enum ConnectionPhase {
  /// TLS handshake and HTTP/2 preface are awaited → serving, closing, closed
  case connecting
  /// → draining, closing, closed
  case serving
  /// GOAWAY is sent, streams are left → closing, closed
  case draining
  /// Input is thrown away: behind our GOAWAY, HTTP/2 would take it for an error and send another. → closed
  case closing
  case closed
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
  /// How many frames of each kind the client may still send.
  var frames: FrameAllowances
  /// Changed by ``ConnectionHandler`` alone.
  var phase = ConnectionPhase.connecting
  /// HTTP/2 found an error of the whole connection: it says so to the client, then to us.
  var foundBroken = false

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
    self.frames = FrameAllowances(environment.limits.frames)
  }

  /// Whether what still arrives is thrown away. TLS takes its time to close.
  var isDiscarding: Bool {
    switch phase {
    case .closing, .closed: true
    case .connecting, .serving, .draining: false
    }
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
