// What belongs to one connection of a client, on its event loop.

import Concurrency
import NIOCore
import NIOHTTP2

/// What a stream is opened with.
struct ClientRequest: Sendable {
  let path: String
  let timeout: Duration?
}

/// One connection of a client. Touched on its event loop only.
final class ClientConnection {
  /// Streams over a connection's whole life. Their numbers, every other one, end at 2^31.
  private static let maximumStreamsInLife = 1_000_000_000

  let environment: GRPCClientEnvironment
  let wire: WireState
  let authority: String
  let scheme: String
  /// What the owner of the connection sees.
  let life = Watched(GRPCClientConnection.Life.open)

  /// Called when the last stream is gone.
  var onIdle: (() -> Void)?

  private let channel: any Channel
  private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
  private var streams: [ObjectIdentifier: ClientStreamHandler] = [:]
  private var streamsInLife = 0

  init(
    environment: GRPCClientEnvironment, wire: WireState, authority: String, scheme: String,
    channel: any Channel, multiplexer: NIOHTTP2Handler.StreamMultiplexer
  ) {
    self.environment = environment
    self.wire = wire
    self.authority = authority
    self.scheme = scheme
    self.channel = channel
    self.multiplexer = multiplexer
  }

  var hasStreams: Bool { !streams.isEmpty }

  /// Why there are no new streams; nil if there are.
  var reasonToLeave: GRPCStatus? {
    life.read { life in
      switch life {
      case .open: nil
      case .leaving(let status), .closed(let status): status
      }
    }
  }

  func open(_ request: ClientRequest) throws(GRPCStatus) -> GRPCClientStream {
    if let reasonToLeave { throw reasonToLeave }
    guard streams.count < environment.limits.maximumConcurrentStreams else {
      throw GRPCStatus(
        .resourceExhausted, "\(streams.count) streams to \(authority) are open already")
    }
    streamsInLife += 1
    if streamsInLife >= Self.maximumStreamsInLife {
      leave(GRPCStatus(.unavailable, "the connection has no numbers for streams left"))
    }
    let handler = ClientStreamHandler(connection: self, request: request)
    let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    let stream = handler.prepare(bound, allocator: channel.allocator)
    streams[ObjectIdentifier(handler)] = handler
    multiplexer.createStreamChannel { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(bound.value)
      }
    }.assumeIsolated().whenFailure { error in
      handler.end(GRPCStatus(.unavailable, "the stream could not be opened: \(error)"))
    }
    return stream
  }

  func streamClosed(_ handler: ClientStreamHandler) {
    guard streams.removeValue(forKey: ObjectIdentifier(handler)) != nil else { return }
    if streams.isEmpty { onIdle?() }
  }

  /// No new streams from now on.
  func leave(_ status: GRPCStatus) {
    life.change { life in
      if case .open = life { life = .leaving(status) }
    }
    // NIO ends those that the server does not serve; it knows nothing of those that never went out.
    for handler in Array(streams.values) where !handler.isSent { handler.end(status) }
  }

  /// The connection is closed, or about to be.
  func lost(_ status: GRPCStatus) {
    life.change { life in
      if case .closed = life { return }
      life = .closed(status)
    }
    for handler in Array(streams.values) { handler.end(status) }
  }

  /// Ends all streams and closes.
  func close(_ status: GRPCStatus) {
    lost(status)
    channel.close(promise: nil)
  }
}
