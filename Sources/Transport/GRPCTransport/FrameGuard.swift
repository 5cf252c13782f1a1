// The gate as a handler: between the socket (or TLS) and HTTP/2.

import NIOCore

/// Hands HTTP/2 what the ``FrameGate`` lets through; a flood becomes an error for the
/// connection's last handler.
final class FrameGuard: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let wire: WireState
  private var gate: FrameGate

  init(wire: WireState, from peer: FrameGate.Peer) {
    self.wire = wire
    gate = FrameGate(limits: wire.limits, from: peer)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    gate.append(unwrapInboundIn(data))
    while let step = gate.next(&wire.frames, at: wire.lastRead) {
      // What was handed over can have ended the connection; nobody needs the rest.
      guard !wire.isDiscarding else { continue }
      switch step {
      case .pass(let frames): context.fireChannelRead(wrapInboundOut(frames))
      case .refuse(let flood): context.fireErrorCaught(flood)
      }
    }
  }
}
