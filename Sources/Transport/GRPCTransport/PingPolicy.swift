// When a client pings too often, and when the server pings a silent client: decisions without I/O.

import NIOCore

/// Judges the pings of a client as Go's gRPC does with an enforcement policy that permits pings
/// without streams: data or headers sent to the client forgive everything before.
struct PingPolicy {
  enum Verdict {
    case fine
    case tooManyPings
  }

  /// Strikes that are tolerated; one more ends the connection.
  static let maximumStrikes = 2

  private let minimumInterval: TimeAmount
  private var lastPing: NIODeadline?
  private var strikes = 0

  init(minimumInterval: TimeAmount) {
    self.minimumInterval = minimumInterval
  }

  /// - Parameter sentDataOrHeaders: whether a DATA or HEADERS frame was sent since the last ping.
  mutating func receivedPing(at now: NIODeadline, sentDataOrHeaders: Bool) -> Verdict {
    defer { lastPing = now }
    if sentDataOrHeaders {
      strikes = 0
      return .fine
    }
    guard let lastPing, now - lastPing < minimumInterval else { return .fine }
    strikes += 1
    return strikes > Self.maximumStrikes ? .tooManyPings : .fine
  }
}

/// Decides what the keepalive timer of a connection does.
struct KeepaliveTimer {
  enum Action: Equatable {
    /// Look again after this time.
    case wait(TimeAmount)
    /// Ping, then look again after this time.
    case ping(TimeAmount)
    /// The client did not answer.
    case close
  }

  private enum State {
    /// → pinged, when nothing was read during the interval.
    case watching
    /// → watching, when anything was read since.
    case pinged(at: NIODeadline)
  }

  private let interval: TimeAmount
  private let timeout: TimeAmount
  private var state = State.watching

  init(interval: TimeAmount, timeout: TimeAmount) {
    self.interval = interval
    self.timeout = timeout
  }

  /// - Parameter lastRead: when anything was last read from the client.
  mutating func fired(at now: NIODeadline, lastRead: NIODeadline) -> Action {
    switch state {
    case .pinged(let sent) where lastRead <= sent:
      let left = timeout - (now - sent)
      // A late answer must not put off the next ping until the time for this one is over.
      return left > .zero ? .wait(min(interval, left)) : .close
    case .pinged, .watching:
      let idle = now - lastRead
      if idle < interval {
        state = .watching
        return .wait(interval - idle)
      }
      state = .pinged(at: now)
      return .ping(min(interval, timeout))
    }
  }
}
