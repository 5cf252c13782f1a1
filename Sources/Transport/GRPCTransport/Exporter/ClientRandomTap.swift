// Notes under which random a connection begins its TLS handshake.

import NIOCore

/// The handler between the socket and TLS of a connection whose keying material may be asked for. It forwards everything
/// at once, and looks at nothing any more once it has seen the ClientHello's beginning.
final class ClientRandomTap: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private enum State {
    /// → entered, over
    case looking(ClientRandom)
    /// In the table, under this random → over
    case entered([UInt8])
    case over
  }

  /// Whose ClientHello it is.
  enum Side {
    /// The other side's, which comes in.
    case server
    /// This side's, which goes out.
    case client
  }

  private let side: Side
  private let table: ExporterTable
  private let slot = ExporterSlot()
  private var state = State.looking(ClientRandom())

  init(_ side: Side, _ table: ExporterTable) {
    self.side = side
    self.table = table
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if side == .server, !look(at: unwrapInboundIn(data)) {
      // A random that another handshake has: there is no telling them apart.
      context.close(promise: nil)
      return
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if side == .client, !look(at: unwrapOutboundIn(data)) {
      promise?.fail(ChannelError.ioOnClosedChannel)
      context.close(promise: nil)
      return
    }
    context.write(data, promise: promise)
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  /// The handshake is done.
  ///
  /// - Returns: The connection's exporter; nil unless it was a handshake of TLS 1.3.
  func finish() -> TLSExporter? {
    end()
    return slot.exporter
  }

  private func end() {
    if case .entered(let random) = state, slot.exporter == nil {
      table.remove(random)
    }
    state = .over
  }

  /// - Returns: Whether the connection may go on.
  private func look(at bytes: ByteBuffer) -> Bool {
    guard case .looking(var random) = state else { return true }
    switch random.take(bytes) {
    case .incomplete: state = .looking(random)
    case .absent: state = .over
    case .found(let bytes):
      guard table.add(slot, bytes) else {
        state = .over
        return false
      }
      state = .entered(bytes)
    }
    return true
  }
}
