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

/// Every bound of the server by name. A time that is not positive stands for its default, as in Fabric's
/// configuration.
package struct GRPCServerLimits: Sendable, Hashable {
  package var http2 = HTTP2Limits()
  /// Connections at a time; any more are closed as soon as they are accepted.
  package var maximumConnections = 10_000
  /// How long a new connection may take until its TLS handshake is done and its HTTP/2 preface has
  /// arrived. Fabric's `General.ConnectionTimeout`: 5 seconds.
  package var connectionTimeout: Duration = .seconds(5)
  /// How long the trailers of a stream that the server ended may wait for the client to read what
  /// is before them; then the stream is reset.
  package var trailersTimeout: Duration = .seconds(5)

  package init() {}
}

extension GRPCServerLimits {
  /// Waiting connections in the kernel.
  static let listenBacklog: Int32 = 1_024

  /// With defaults where zero means "not set".
  var normalized: GRPCServerLimits {
    let defaults = GRPCServerLimits()
    var result = self
    result.http2 = http2.normalized
    if result.connectionTimeout <= .zero { result.connectionTimeout = defaults.connectionTimeout }
    if result.trailersTimeout <= .zero { result.trailersTimeout = defaults.trailersTimeout }
    return result
  }
}
