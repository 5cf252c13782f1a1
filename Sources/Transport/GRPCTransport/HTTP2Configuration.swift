// The bounds of HTTP/2 on either side of a connection, and how swift-nio-http2 is set up with them.

import NIOCore
import NIOHTTP2

/// How many streams that this side reset are remembered per connection, so that what is still on
/// its way for them is no protocol error.
private let rememberedResetStreams = 1_024

/// The bounds of either side of a connection, by name. A message size that is not positive stands for its default, as
/// in Fabric's configuration.
package struct HTTP2Limits: Sendable, Hashable {
  /// The largest message that the peer may send, in bytes; a larger one ends its stream (only) with
  /// `RESOURCE_EXHAUSTED`. Fabric's `General.MaxRecvMsgSize`: 100 MiB.
  package var maximumReceiveMessageBytes = 100 * 1024 * 1024
  /// The largest message that is sent, in bytes; `send` throws `RESOURCE_EXHAUSTED` for a larger one. Fabric's
  /// `General.MaxSendMsgSize`: 100 MiB.
  package var maximumSendMessageBytes = 100 * 1024 * 1024
  /// Streams at a time on one connection. A server announces it, and a client then waits for a stream to end. 1,000 is
  /// twice what a Fabric gateway has in flight with its default concurrency limit. At a server, handlers still running
  /// for a stream that is gone count as well: further streams are refused.
  package var maximumConcurrentStreams = 1_000
  /// The size of a header list in bytes, as HPACK counts it; a larger one ends the connection.
  package var maximumHeaderListBytes = 16 * 1024
  /// What the peer may send on one stream ahead of who reads it, in bytes; 65,535 … 2^31-1. Messages that nobody has
  /// taken hold this window; the message that is being received does not.
  package var streamWindowBytes = 1024 * 1024
  /// What the peer may send on one connection ahead of the event loop, in bytes.
  package var connectionWindowBytes = 16 * 1024 * 1024
  /// The sum of stream windows beyond HTTP/2's 65,535 bytes, over all connections; once it is used up, new streams stay
  /// with 65,535 bytes until others end.
  package var maximumWindowBytesTotal = 512 * 1024 * 1024
  /// Bytes of received messages, whole or in part, that nobody has taken, over all connections; a stream that would
  /// exceed it ends with `RESOURCE_EXHAUSTED`.
  package var maximumBufferedBytesTotal = 1024 * 1024 * 1024
  /// `send` suspends while more than this many bytes of its stream wait for the peer…
  package var outboundHighWatermarkBytes = 256 * 1024
  /// …and goes on when no more than these are left.
  package var outboundLowWatermarkBytes = 128 * 1024
  /// The same for all streams of a connection together, before the socket.
  package var connectionOutboundHighWatermarkBytes = 512 * 1024
  /// See `connectionOutboundHighWatermarkBytes`.
  package var connectionOutboundLowWatermarkBytes = 128 * 1024
  /// How many frames of each kind the peer may send on a connection.
  package var frames = FrameLimits()

  package init() {}
}

extension HTTP2Limits {
  /// HTTP/2's window of a new stream before any `SETTINGS` or `WINDOW_UPDATE` (RFC 9113, 6.9.2).
  static let initialStreamWindowBytes = 65_535
  /// HTTP/2's largest window.
  static let maximumWindowBytes = Int(Int32.max)

  /// With defaults where zero means "not set".
  var normalized: HTTP2Limits {
    let defaults = HTTP2Limits()
    var result = self
    if result.maximumReceiveMessageBytes <= 0 {
      result.maximumReceiveMessageBytes = defaults.maximumReceiveMessageBytes
    }
    if result.maximumSendMessageBytes <= 0 {
      result.maximumSendMessageBytes = defaults.maximumSendMessageBytes
    }
    return result
  }

  /// The stream window, within what HTTP/2 allows.
  var clampedStreamWindowBytes: Int {
    min(max(streamWindowBytes, Self.initialStreamWindowBytes), Self.maximumWindowBytes)
  }

  /// When all streams of a connection together wait for the socket.
  var connectionWatermark: ChannelOptions.Types.WriteBufferWaterMark {
    ChannelOptions.Types.WriteBufferWaterMark(
      low: connectionOutboundLowWatermarkBytes, high: connectionOutboundHighWatermarkBytes)
  }
}

extension NIOHTTP2Handler.ConnectionConfiguration {
  /// - Parameter settings: What the first SETTINGS frame announces beside the limits.
  static func bounded(
    settings: HTTP2Settings, limits: HTTP2Limits
  ) -> NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings =
      settings + [
        HTTP2Setting(parameter: .maxHeaderListSize, value: limits.maximumHeaderListBytes)
      ]
    configuration.targetWindowSize = limits.connectionWindowBytes
    configuration.maximumRecentlyResetStreams = rememberedResetStreams
    configuration.maximumSequentialContinuationFrames = limits.frames.continuations
    // Frames are counted at the gate. Within a time before now there is never more than the one that is
    // being counted, and NIO keeps no list of them.
    configuration.controlFrameRateLimit.maximumCount = 1
    configuration.controlFrameRateLimit.windowLength = .nanoseconds(-1)
    configuration.maximumSequentialEmptyDataFrames = .max
    // Glitches are counted over a connection's whole life, and connections live for months; the
    // rate of stream errors is limited instead.
    configuration.maximumConnectionGlitches = .max
    return configuration
  }
}

extension NIOHTTP2Handler.StreamConfiguration {
  static func bounded(_ limits: HTTP2Limits) -> NIOHTTP2Handler.StreamConfiguration {
    var configuration = NIOHTTP2Handler.StreamConfiguration()
    // Streams grant window themselves as their messages are taken; 0 keeps NIO from doing so. For
    // the same reason SETTINGS announce no initial window: NIO would add it to this target.
    configuration.targetWindowSize = 0
    configuration.outboundBufferSizeHighWatermark = limits.outboundHighWatermarkBytes
    configuration.outboundBufferSizeLowWatermark = limits.outboundLowWatermarkBytes
    // As with control frames.
    configuration.streamResetFrameRateLimit.maximumCount = 1
    configuration.streamResetFrameRateLimit.windowLength = .nanoseconds(-1)
    return configuration
  }
}

extension Channel {
  /// Lets the kernel give up on a peer that does not acknowledge data, as Go's gRPC does.
  func setUserTimeout(_ timeout: Duration) {
    let milliseconds = min(TimeAmount(timeout).nanoseconds / 1_000_000, Int64(Int32.max))
    let tcpUserTimeout = NIOBSDSocket.Option(rawValue: 18)
    // Only a refinement: a kernel without it serves as well.
    try? syncOptions?.setOption(
      ChannelOptions.Types.SocketOption(level: .tcp, name: tcpUserTimeout),
      value: ChannelOptions.Types.SocketOption.Value(truncatingIfNeeded: milliseconds))
  }
}
