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

  /// Last stream and error code: HTTP/2's handler explains nothing, ours always says why.
  private static let goAwayWithoutText = 8

  private let wire: WireState
  /// The HTTP/2 handler writes the payload of a DATA frame right after its header, on its own.
  private var isPayloadNext = false
  /// Whether something was read since the last `channelReadComplete`.
  private var isReading = false

  init(wire: WireState) {
    self.wire = wire
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !wire.isDiscarding else { return }
    wire.lastRead = context.eventLoop.now
    isReading = true
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    if isReading {
      // The connection was closed in the middle of a read. HTTP/2 keeps a list of the streams that
      // were read from, which only this empties; otherwise list, streams and connection would keep
      // each other alive for good.
      isReading = false
      context.fireChannelReadComplete()
    }
    context.fireChannelInactive()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if isPayloadNext {
      isPayloadNext = false
    } else if case .byteBuffer(let buffer) = unwrapOutboundIn(data), !note(buffer) {
      promise?.succeed()
      return
    }
    context.write(data, promise: promise)
  }

  /// Whether a frame is to be sent.
  private func note(_ frame: ByteBuffer) -> Bool {
    guard frame.readableBytes >= FrameHeader.length,
      let type = frame.getInteger(at: frame.readerIndex + 3, as: UInt8.self)
    else { return true }
    switch type {
    case FrameType.data:
      wire.sentDataOrHeaders = true
      wire.frames.sentData()
      isPayloadNext = true
    case FrameType.headers:
      wire.sentDataOrHeaders = true
      wire.frames.sentHeaders()
    case FrameType.goAway:
      // The connection closes behind a GOAWAY of ours. HTTP/2 takes frames that were read together
      // with the reason for an error, but what counts is what we said.
      if case .closing = wire.phase { return false }
      if Self.payloadLength(frame) == Self.goAwayWithoutText { wire.foundBroken = true }
    default:
      break
    }
    return true
  }

  /// The first three bytes of a frame, the highest first (RFC 9113, 4.1).
  private static func payloadLength(_ frame: ByteBuffer) -> Int? {
    frame.getInteger(at: frame.readerIndex, as: UInt32.self).map { Int($0 >> 8) }
  }
}
