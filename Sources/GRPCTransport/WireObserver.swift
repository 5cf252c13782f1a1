// Watches the bytes below HTTP/2 for what the handlers above cannot see.

import NIOCore

/// Sits between the HTTP/2 handler and the socket (or TLS). Notes when something was read and which
/// frames were really written: DATA that waited for window must forgive pings when it goes out, not
/// when it was queued, or a client that measures its bandwidth with pings during one large message
/// would be taken for an attacker.
final class WireObserver: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = IOData
  typealias OutboundOut = IOData

  private static let frameHeaderLength = 9

  private let connection: GRPCConnection
  /// The HTTP/2 handler writes the payload of a DATA frame right after its header, on its own.
  private var isPayloadNext = false

  init(connection: GRPCConnection) {
    self.connection = connection
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !connection.isDiscarding else { return }
    connection.lastRead = .now()
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if isPayloadNext {
      isPayloadNext = false
    } else if case .byteBuffer(let buffer) = unwrapOutboundIn(data) {
      note(buffer)
    }
    context.write(data, promise: promise)
  }

  private func note(_ frame: ByteBuffer) {
    let start = frame.readerIndex
    guard frame.readableBytes >= Self.frameHeaderLength,
      let type = frame.getInteger(at: start + 3, as: UInt8.self)
    else { return }
    switch type {
    case 0x0:
      connection.sentDataOrHeaders = true
      isPayloadNext = true
    case 0x1:
      connection.sentDataOrHeaders = true
    case 0x7:
      connection.goAwaysSent += 1
    default:
      break
    }
  }
}
