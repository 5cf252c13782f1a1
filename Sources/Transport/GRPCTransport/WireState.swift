// What the handlers of a connection know together of its wire, on either side.

import NIOCore

/// Where a connection is in its life.
enum ConnectionPhase {
  /// TLS handshake and HTTP/2 preface are awaited → open, closing, closed
  case connecting
  /// → draining, closing, closed
  case open
  /// GOAWAY is sent or received, streams are left → closing, closed
  case draining
  /// Input is thrown away: behind our GOAWAY, HTTP/2 would take it for an error and send another. → closed
  case closing
  case closed
}

/// The state of one connection's wire. Touched on its event loop only.
final class WireState {
  let limits: FrameLimits
  /// When anything was last read from the socket.
  var lastRead: NIODeadline
  /// Whether a DATA or HEADERS frame was sent since the flag was last cleared.
  var sentDataOrHeaders = false
  /// How many frames of each kind the peer may still send.
  var frames: FrameAllowances
  /// Changed by the connection's last handler alone.
  var phase = ConnectionPhase.connecting
  /// HTTP/2 found an error of the whole connection: it says so to the peer, then to us.
  var foundBroken = false

  init(limits: FrameLimits, now: NIODeadline) {
    self.limits = limits
    lastRead = now
    frames = FrameAllowances(limits)
  }

  /// Whether what still arrives is thrown away. TLS takes its time to close.
  var isDiscarding: Bool {
    switch phase {
    case .closing, .closed: true
    case .connecting, .open, .draining: false
    }
  }
}
