// How swift-nio-http2 is set up, on either side of a connection.

import NIOCore
import NIOHTTP2

/// How many streams that this side reset are remembered per connection, so that what is still on
/// its way for them is no protocol error.
private let rememberedResetStreams = 1_024

extension NIOHTTP2Handler.ConnectionConfiguration {
  /// - Parameters:
  ///   - settings: What the first SETTINGS frame announces.
  ///   - windowBytes: What the peer may send on the connection ahead of the event loop.
  ///   - frames: The limits that the gate holds.
  static func bounded(
    settings: HTTP2Settings, windowBytes: Int, frames: FrameLimits
  ) -> NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings = settings
    configuration.targetWindowSize = windowBytes
    configuration.maximumRecentlyResetStreams = rememberedResetStreams
    configuration.maximumSequentialContinuationFrames = frames.continuations
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
  /// - Parameters:
  ///   - outboundLow: Bytes at which a stream becomes writable again.
  ///   - outboundHigh: Bytes above which it is not.
  static func bounded(
    outboundLow: Int, outboundHigh: Int
  ) -> NIOHTTP2Handler.StreamConfiguration {
    var configuration = NIOHTTP2Handler.StreamConfiguration()
    // Streams grant window themselves as their messages are taken; 0 keeps NIO from doing so. For
    // the same reason SETTINGS announce no initial window: NIO would add it to this target.
    configuration.targetWindowSize = 0
    configuration.outboundBufferSizeHighWatermark = outboundHigh
    configuration.outboundBufferSizeLowWatermark = outboundLow
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
