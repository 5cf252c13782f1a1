// The random of a ClientHello, by which a handshake is told from others.

import NIOCore

/// Finds it at the beginning of what a client sends, in however many pieces that comes. A value.
struct ClientRandom {
  static let byteCount = 32

  enum Outcome: Equatable {
    case incomplete
    case found([UInt8])
    /// What the client sends is no ClientHello at the beginning of a record.
    case absent
  }

  /// Where it begins: behind the head of the record (5), that of the handshake message (4) and the version (2).
  private static let offset = 11
  private static let handshakeRecord: UInt8 = 22
  private static let clientHello: UInt8 = 1

  private var head: [UInt8] = []

  /// Takes what follows. Not more than the beginning is kept.
  mutating func take(_ bytes: ByteBuffer) -> Outcome {
    let end = Self.offset + Self.byteCount
    head += bytes.readableBytesView.prefix(end - head.count)
    if let type = head.first, type != Self.handshakeRecord { return .absent }
    if head.count > 5, head[5] != Self.clientHello { return .absent }
    guard head.count == end else { return .incomplete }
    return .found(Array(head[Self.offset...]))
  }
}
