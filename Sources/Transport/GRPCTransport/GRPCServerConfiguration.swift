// Everything that can be set on a gRPC server: where it listens, TLS, keepalive, and every limit.

import NIOCore

/// How a `GRPCServer` listens and behaves.
package struct GRPCServerConfiguration: Sendable {
  /// The address or name to listen on; empty means all interfaces, IPv6 and IPv4.
  package var host: String
  /// The TCP port; 0 lets the system choose.
  package var port: Int
  /// TLS material; nil serves plaintext.
  package var tls: GRPCServerTLS?
  package var keepalive: GRPCServerKeepalive
  package var limits: GRPCServerLimits
  /// Threads for network I/O, at least 1. Handlers run elsewhere, on Swift's global executor.
  package var eventLoopThreads: Int
  /// Whether `grpc.health.v1.Health` is served.
  package var isHealthServiceEnabled: Bool

  package init(
    host: String, port: Int, tls: GRPCServerTLS? = nil,
    keepalive: GRPCServerKeepalive = GRPCServerKeepalive(),
    limits: GRPCServerLimits = GRPCServerLimits(),
    eventLoopThreads: Int = System.coreCount, isHealthServiceEnabled: Bool = true
  ) {
    self.host = host
    self.port = port
    self.tls = tls
    self.keepalive = keepalive
    self.limits = limits
    self.eventLoopThreads = eventLoopThreads
    self.isHealthServiceEnabled = isHealthServiceEnabled
  }
}

/// Pings in both directions; the names are those of Fabric's `General.Keepalive`. A time that is
/// not positive stands for its default.
package struct GRPCServerKeepalive: Sendable, Hashable {
  /// The shortest time between two pings of a client. Pings that follow each other faster, with
  /// nothing sent to the client in between, are strikes; the third ends the connection with
  /// `ENHANCE_YOUR_CALM` "too_many_pings", as Go's gRPC does. Fabric's default: 1 minute.
  package var serverMinInterval: Duration
  /// A client that has been silent for this long is pinged. Fabric's default: 2 hours.
  package var serverInterval: Duration
  /// A pinged client that stays silent for this long is disconnected. Fabric's default: 20 seconds.
  package var serverTimeout: Duration

  package init(
    serverMinInterval: Duration = .seconds(60), serverInterval: Duration = .seconds(7200),
    serverTimeout: Duration = .seconds(20)
  ) {
    self.serverMinInterval = serverMinInterval
    self.serverInterval = serverInterval
    self.serverTimeout = serverTimeout
  }
}

extension GRPCServerKeepalive {
  /// With defaults where there is no positive time.
  var normalized: GRPCServerKeepalive {
    let defaults = GRPCServerKeepalive()
    var result = self
    if result.serverMinInterval <= .zero { result.serverMinInterval = defaults.serverMinInterval }
    if result.serverInterval <= .zero { result.serverInterval = defaults.serverInterval }
    if result.serverTimeout <= .zero { result.serverTimeout = defaults.serverTimeout }
    return result
  }
}

/// Every bound of the transport by name. A message size or time that is not positive stands for its
/// default, as in Fabric's configuration.
package struct GRPCServerLimits: Sendable, Hashable {
  /// The largest message a client may send, in bytes; a larger one ends its stream (only) with
  /// `RESOURCE_EXHAUSTED`. Fabric's `General.MaxRecvMsgSize`: 100 MiB.
  package var maximumReceiveMessageBytes = 100 * 1024 * 1024
  /// The largest message a handler may send, in bytes; `send` throws `RESOURCE_EXHAUSTED` for a
  /// larger one. Fabric's `General.MaxSendMsgSize`: 100 MiB.
  package var maximumSendMessageBytes = 100 * 1024 * 1024
  /// Connections at a time; any more are closed as soon as they are accepted.
  package var maximumConnections = 10_000
  /// Streams at a time on one connection, announced to the client, which then waits for a stream to
  /// end. 1,000 is twice what a Fabric gateway has in flight with its default concurrency limit.
  /// Handlers still running for a stream that is gone count as well: further streams are refused.
  package var maximumConcurrentStreams = 1_000
  /// The size of a header list in bytes, as HPACK counts it; a larger one ends the connection.
  package var maximumHeaderListBytes = 16 * 1024
  /// What a client may send on one stream ahead of the handler, in bytes; 65,535 … 2^31-1. Messages
  /// that no handler has taken hold this window; the message that is being received does not.
  package var streamWindowBytes = 1024 * 1024
  /// What a client may send on one connection ahead of the event loop, in bytes.
  package var connectionWindowBytes = 16 * 1024 * 1024
  /// The sum of stream windows beyond HTTP/2's 65,535 bytes; once it is used up, new streams stay
  /// with 65,535 bytes until others end.
  package var maximumWindowBytesTotal = 512 * 1024 * 1024
  /// Bytes of received messages, whole or in part, that no handler has taken, over all streams; a
  /// stream that would exceed it ends with `RESOURCE_EXHAUSTED`.
  package var maximumBufferedBytesTotal = 1024 * 1024 * 1024
  /// `send` suspends while more than this many bytes of its stream wait for the client…
  package var outboundHighWatermarkBytes = 256 * 1024
  /// …and goes on when no more than these are left.
  package var outboundLowWatermarkBytes = 128 * 1024
  /// The same for all streams of a connection together, before the socket.
  package var connectionOutboundHighWatermarkBytes = 512 * 1024
  /// See `connectionOutboundHighWatermarkBytes`.
  package var connectionOutboundLowWatermarkBytes = 128 * 1024
  /// How long a new connection may take until its TLS handshake is done and its HTTP/2 preface has
  /// arrived. Fabric's `General.ConnectionTimeout`: 5 seconds.
  package var connectionTimeout: Duration = .seconds(5)
  /// How long the trailers of a stream that the server ended may wait for the client to read what
  /// is before them; then the stream is reset.
  package var trailersTimeout: Duration = .seconds(5)
  /// How many frames of each kind a connection may send.
  package var frames = FrameLimits()

  package init() {}
}

extension GRPCServerLimits {
  /// HTTP/2's window of a new stream before any `SETTINGS` or `WINDOW_UPDATE` (RFC 9113, 6.9.2).
  static let initialStreamWindowBytes = 65_535
  /// HTTP/2's largest window.
  static let maximumWindowBytes = Int(Int32.max)
  /// Waiting connections in the kernel.
  static let listenBacklog: Int32 = 1_024

  /// With defaults where zero means "not set".
  var normalized: GRPCServerLimits {
    let defaults = GRPCServerLimits()
    var result = self
    if result.maximumReceiveMessageBytes <= 0 {
      result.maximumReceiveMessageBytes = defaults.maximumReceiveMessageBytes
    }
    if result.maximumSendMessageBytes <= 0 {
      result.maximumSendMessageBytes = defaults.maximumSendMessageBytes
    }
    if result.connectionTimeout <= .zero { result.connectionTimeout = defaults.connectionTimeout }
    if result.trailersTimeout <= .zero { result.trailersTimeout = defaults.trailersTimeout }
    return result
  }

  /// The stream window, within what HTTP/2 allows.
  var clampedStreamWindowBytes: Int {
    min(max(streamWindowBytes, Self.initialStreamWindowBytes), Self.maximumWindowBytes)
  }
}
