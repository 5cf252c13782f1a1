// Everything that can be set on a gRPC client: time limits, keepalive, and every bound.

/// How a ``GRPCClient`` dials and behaves. A time that is not positive stands for its default, as in Fabric's
/// configuration.
package struct GRPCClientConfiguration: Sendable {
  /// How long it may take from a host's name to the server's first SETTINGS frame. Fabric's
  /// `General.Cluster.DialTimeout`: 5 seconds.
  package var dialTimeout: Duration
  package var keepalive: GRPCClientKeepalive
  package var limits: HTTP2Limits
  /// Threads for network I/O, at least 1.
  package var eventLoopThreads: Int

  package init(
    dialTimeout: Duration = .seconds(5), keepalive: GRPCClientKeepalive = GRPCClientKeepalive(),
    limits: HTTP2Limits = HTTP2Limits(), eventLoopThreads: Int = 1
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

extension GRPCClientConfiguration {
  /// With defaults where zero means "not set".
  var normalized: GRPCClientConfiguration {
    let defaults = GRPCClientConfiguration()
    var result = self
    if result.dialTimeout <= .zero { result.dialTimeout = defaults.dialTimeout }
    if result.keepalive.interval <= .zero {
      result.keepalive.interval = defaults.keepalive.interval
    }
    if result.keepalive.timeout <= .zero { result.keepalive.timeout = defaults.keepalive.timeout }
    result.limits = limits.normalized
    return result
  }
}
