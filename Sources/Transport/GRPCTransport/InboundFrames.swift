// The inbound half of a stream on its event loop: DATA frames become bursts of messages.

import NIOCore
import NIOHTTP2

/// Collects what arrives on one stream until it is handed over, once per read of the socket.
///
/// Bytes are copied into messages at once, so that no small frame keeps a read buffer alive.
struct InboundFrames {
  private enum Phase {
    case open
    /// A message broke a rule; what follows it is not read. → ended
    case ignoring
    /// The peer sends nothing more.
    case ended
  }

  private var deframer: MessageDeframer
  private var burst = InboundBurst(messages: [], receivedBytes: 0, partialBytes: 0, end: nil)
  private var phase = Phase.open

  init(maximumMessageBytes: Int) {
    deframer = MessageDeframer(maximumMessageBytes: maximumMessageBytes)
  }

  /// Whether more messages may come.
  var isOpen: Bool { if case .open = phase { true } else { false } }
  /// Whether the peer has ended its half.
  var hasEnded: Bool { if case .ended = phase { true } else { false } }

  mutating func receive(_ data: HTTP2Frame.FramePayload.Data) {
    guard isOpen else { return }
    burst.receivedBytes += data.data.readableBytes
    if let padding = data.paddingBytes { burst.receivedBytes += padding + 1 }
    guard case .byteBuffer(let buffer) = data.data else { return }
    do {
      try deframer.append(buffer, to: &burst.messages)
    } catch {
      phase = .ignoring
      burst.end = .failed(error)
    }
  }

  /// The peer has ended its half.
  ///
  /// - Parameter status: How the call has ended, where the peer says that.
  mutating func end(_ status: GRPCStatus = .ok) {
    defer { phase = .ended }
    guard isOpen else { return }
    burst.end =
      if status.code != .ok {
        .failed(status)
      } else if deframer.pendingBytes > 0 {
        .failed(GRPCStatus(.internalError, "unexpected EOF"))
      } else {
        .halfClosed
      }
  }

  /// What has come since the last time; nil if that is nothing.
  mutating func takeBurst() -> InboundBurst? {
    guard burst.receivedBytes > 0 || burst.end != nil else { return nil }
    burst.partialBytes = deframer.pendingBytes
    burst.spareBytes = deframer.spareBytes
    defer {
      burst.messages = []
      burst.receivedBytes = 0
      burst.end = nil
    }
    return burst
  }
}
