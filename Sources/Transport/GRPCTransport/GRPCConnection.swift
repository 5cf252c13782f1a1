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
  private(set) var peerCertificates: [[UInt8]] = []
  /// Set when the TLS handshake is done, if keying material may be asked for.
  private(set) var exporter: TLSExporter?
  /// Where the exporter comes from.
  var tap: ClientRandomTap?

  let wire: WireState

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
    self.wire = WireState(limits: environment.limits.http2.frames, now: now)
  }

  func handshakeCompleted(showing certificate: [UInt8]?) {
    peerCertificates = certificate.map { [$0] } ?? []
    exporter = tap?.finish()
    tap = nil
  }

  var hasStreams: Bool { !streams.isEmpty }

  /// Whether another handler may run. Handlers that outlive their streams count: a client that
  /// opens and resets streams cannot pile them up.
  func admitHandler() -> Bool {
    guard runningHandlers < environment.limits.http2.maximumConcurrentStreams,
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
