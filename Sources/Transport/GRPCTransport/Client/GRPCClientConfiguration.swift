// Everything that can be set on a gRPC client: time limits, keepalive, and every bound.

/// How a ``GRPCClient`` dials and behaves.
package struct GRPCClientConfiguration: Sendable {
  /// How long it may take from a host's name to the server's first SETTINGS frame. Fabric's
  /// `General.Cluster.DialTimeout`: 5 seconds.
  package var dialTimeout: Duration
  package var keepalive: GRPCClientKeepalive
  package var limits: GRPCClientLimits
  /// Threads for network I/O, at least 1.
  package var eventLoopThreads: Int

  package init(
    dialTimeout: Duration = .seconds(5), keepalive: GRPCClientKeepalive = GRPCClientKeepalive(),
    limits: GRPCClientLimits = GRPCClientLimits(), eventLoopThreads: Int = 1
  ) {
    self.dialTimeout = dialTimeout
    self.keepalive = keepalive
    self.limits = limits
    self.eventLoopThreads = eventLoopThreads
  }
}

/// Pings to the server, also while there is no stream.
package struct GRPCClientKeepalive: Sendable, Hashable {
  /// A server that has been silent for this long is pinged. Go's servers end connections that ping more often than
  /// their `General.Keepalive.ServerMinInterval` says; Fabric's cluster client pings after 60 seconds.
  package var interval: Duration
  /// A pinged server that stays silent for this long is given up. Fabric's cluster client: 20 seconds.
  package var timeout: Duration

  package init(interval: Duration = .seconds(60), timeout: Duration = .seconds(20)) {
    self.interval = interval
    self.timeout = timeout
  }
}

/// Every bound of the client by name.
package struct GRPCClientLimits: Sendable, Hashable {
  /// The largest message a server may send, in bytes; a larger one ends its stream (only) with
  /// `RESOURCE_EXHAUSTED`. Fabric's `General.MaxRecvMsgSize`: 100 MiB.
  package var maximumReceiveMessageBytes = 100 * 1024 * 1024
  /// The largest message that is sent, in bytes; `send` throws `RESOURCE_EXHAUSTED` for a larger one. Fabric's
  /// `General.MaxSendMsgSize`: 100 MiB.
  package var maximumSendMessageBytes = 100 * 1024 * 1024
  /// Streams at a time on one connection; a server may allow fewer, and then they wait for each other.
  package var maximumConcurrentStreams = 1_000
  /// The size of a header list in bytes, as HPACK counts it; a larger one ends the connection.
  package var maximumHeaderListBytes = 16 * 1024
  /// What a server may send on one stream ahead of who reads it, in bytes; 65,535 … 2^31-1. Messages that nobody
  /// has taken hold this window; the message that is being received does not.
  package var streamWindowBytes = 1024 * 1024
  /// What a server may send on one connection ahead of the event loop, in bytes.
  package var connectionWindowBytes = 16 * 1024 * 1024
  /// The sum of stream windows beyond HTTP/2's 65,535 bytes, over all connections; once it is used up, new streams
  /// stay with 65,535 bytes until others end.
  package var maximumWindowBytesTotal = 512 * 1024 * 1024
  /// Bytes of received messages, whole or in part, that nobody has taken, over all connections; a stream that would
  /// exceed it ends with `RESOURCE_EXHAUSTED`.
  package var maximumBufferedBytesTotal = 1024 * 1024 * 1024
  /// `send` suspends, and `offer` refuses, while more than this many bytes of its stream wait for the server…
  package var outboundHighWatermarkBytes = 256 * 1024
  /// …until no more than these are left.
  package var outboundLowWatermarkBytes = 128 * 1024
  /// The same for all streams of a connection together, before the socket.
  package var connectionOutboundHighWatermarkBytes = 512 * 1024
  /// See `connectionOutboundHighWatermarkBytes`.
  package var connectionOutboundLowWatermarkBytes = 128 * 1024
  /// How many frames of each kind a server may send on a connection.
  package var frames = FrameLimits()

  package init() {}
}

extension GRPCClientLimits {
  /// Streams over a connection's whole life. Their numbers, every other one, end at 2^31.
  static let maximumStreamsInLife = 1_000_000_000

  /// The stream window, within what HTTP/2 allows.
  var clampedStreamWindowBytes: Int {
    min(
      max(streamWindowBytes, GRPCServerLimits.initialStreamWindowBytes),
      GRPCServerLimits.maximumWindowBytes)
  }
}
