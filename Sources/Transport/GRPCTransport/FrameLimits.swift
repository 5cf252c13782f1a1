// How many frames of each kind a connection may send, and how that is counted.

import NIOCore

/// Up to `burst` frames at once, and on average `perSecond`.
package struct FrameRate: Sendable, Hashable {
  package var burst: Int
  package var perSecond: Int

  package init(burst: Int, perSecond: Int) {
    (self.burst, self.perSecond) = (burst, perSecond)
  }
}

/// What one connection may send besides DATA that carries something, which flow control bounds. More
/// ends the connection with `ENHANCE_YOUR_CALM`.
package struct FrameLimits: Sendable, Hashable {
  /// HEADERS and PUSH_PROMISE. A Fabric gateway opens one stream for each transaction.
  package var headers = FrameRate(burst: 4_000, perSecond: 20_000)
  /// RST_STREAM. A Fabric gateway cancels the stream of each transaction.
  package var resets = FrameRate(burst: 4_000, perSecond: 20_000)
  /// PING and its acknowledgement; DATA and HEADERS that were sent allow one more each. Go's gRPC pings
  /// once per round trip while data arrives; the keepalive policy does the rest.
  package var pings = FrameRate(burst: 2_000, perSecond: 1_000)
  /// WINDOW_UPDATE; DATA in either direction allows ``windowUpdatesPerData`` more. gRPC's C library adds
  /// one for the stream and one for the connection to whatever it writes.
  package var windowUpdates = FrameRate(burst: 10_000, perSecond: 10_000)
  /// SETTINGS and their acknowledgement. Go's gRPC sends them again when its windows grow.
  package var settings = FrameRate(burst: 100, perSecond: 10)
  /// PRIORITY, which is obsolete.
  package var priorities = FrameRate(burst: 1_000, perSecond: 100)
  /// GOAWAY.
  package var goAways = FrameRate(burst: 10, perSecond: 1)
  /// DATA without a byte that counts, other than the end of a stream.
  package var emptyData = FrameRate(burst: 100, perSecond: 100)
  /// Frames of types that HTTP/2 does not define, which it says to ignore.
  package var unknown = FrameRate(burst: 1_000, perSecond: 100)
  /// Settings in one frame: each new window walks all streams. There are fewer than ten to set.
  package var settingsPerFrame = 32
  /// CONTINUATION frames behind one HEADERS frame.
  package var continuations = 5

  /// The largest payload; nothing larger is announced to clients (RFC 9113, 4.2).
  static let maximumPayloadBytes = 16_384
  /// See ``windowUpdates``.
  static let windowUpdatesPerData = 4

  package init() {}
}

/// Frames of which there were too many.
struct FrameFlood: Error, Equatable {
  /// As in `too many … frames`.
  let kind: String
}

/// Counts one kind of frame against its rate: no memory but one time, whatever comes.
///
/// The time is when the burst would be whole again (the "generic cell rate algorithm").
struct FrameAllowance {
  private let interval: Int64
  private let tolerance: Int64
  private var full: Int64 = 0

  init(_ rate: FrameRate) {
    interval = 1_000_000_000 / Int64(max(1, rate.perSecond))
    tolerance = interval * Int64(rate.burst)
  }

  /// Counts a frame; false if it is one too many.
  mutating func take(at now: NIODeadline) -> Bool {
    let now = Int64(clamping: now.uptimeNanoseconds)
    let next = max(full, now) + interval
    guard next - now <= tolerance else { return false }
    full = next
    return true
  }

  /// Allows `count` more frames, though never more than the burst at once.
  mutating func earn(_ count: Int) { full = max(0, full - interval * Int64(count)) }
}

/// What one connection has left of its ``FrameLimits``.
struct FrameAllowances {
  var headers: FrameAllowance
  var resets: FrameAllowance
  var pings: FrameAllowance
  var windowUpdates: FrameAllowance
  var settings: FrameAllowance
  var priorities: FrameAllowance
  var goAways: FrameAllowance
  var emptyData: FrameAllowance
  var unknown: FrameAllowance

  init(_ limits: FrameLimits) {
    headers = FrameAllowance(limits.headers)
    resets = FrameAllowance(limits.resets)
    pings = FrameAllowance(limits.pings)
    windowUpdates = FrameAllowance(limits.windowUpdates)
    settings = FrameAllowance(limits.settings)
    priorities = FrameAllowance(limits.priorities)
    goAways = FrameAllowance(limits.goAways)
    emptyData = FrameAllowance(limits.emptyData)
    unknown = FrameAllowance(limits.unknown)
  }

  /// DATA was sent to the client.
  mutating func sentData() {
    pings.earn(1)
    windowUpdates.earn(FrameLimits.windowUpdatesPerData)
  }

  /// HEADERS were sent to the client.
  mutating func sentHeaders() { pings.earn(1) }

  /// DATA with something in it came from the client.
  mutating func receivedData() { windowUpdates.earn(FrameLimits.windowUpdatesPerData) }
}
