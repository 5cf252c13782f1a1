// The gate as a handler: between the socket (or TLS) and HTTP/2.

import NIOCore

/// Hands HTTP/2 what the ``FrameGate`` lets through; a flood becomes an error for the
/// ``ConnectionHandler``.
final class FrameGuard: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let connection: GRPCConnection
  private var gate: FrameGate

  init(connection: GRPCConnection) {
    self.connection = connection
    gate = FrameGate(limits: connection.environment.limits.frames)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    gate.append(unwrapInboundIn(data))
    while let step = gate.next(&connection.frames, at: connection.lastRead) {
      // What was handed over can have ended the connection; nobody needs the rest.
      guard !connection.isDiscarding else { continue }
      switch step {
      case .pass(let frames): context.fireChannelRead(wrapInboundOut(frames))
      case .refuse(let flood): context.fireErrorCaught(flood)
      }
    }
  }
}
