// What either side of a connection says on stream 0, and how it closes.

import NIOCore
import NIOHTTP2
import NIOSSL

/// How long a GOAWAY may travel before the connection is closed behind it.
let goAwayTime = TimeAmount.seconds(1)

extension ChannelHandlerContext {
  /// - Parameter text: not empty, which tells a GOAWAY of ours from one of HTTP/2's (`WireObserver`).
  func sendGoAway(_ code: HTTP2ErrorCode, text: String) {
    // All streams may end; new ones are refused by the HTTP/2 handler from here on.
    send(.goAway(lastStreamID: .maxID, errorCode: code, opaqueData: ByteBuffer(string: text)))
  }

  func sendKeepalivePing() {
    send(.ping(HTTP2PingData(withInteger: 0x4845_4444_4c45_0001), ack: false))
  }

  private func send(_ payload: HTTP2Frame.FramePayload) {
    writeAndFlush(NIOAny(HTTP2Frame(streamID: .rootStream, payload: payload)), promise: nil)
  }

  /// Closes below TLS, which would wait for the peer to end its side, and would keep what it sends until then.
  func closeBelow(_ tls: NIOSSLHandler?) {
    if let tls, let below = try? pipeline.syncOperations.context(handler: tls) {
      below.close(promise: nil)
    } else {
      close(promise: nil)
    }
  }
}
