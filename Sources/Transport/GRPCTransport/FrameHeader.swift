// The first bytes of an HTTP/2 frame, as far as what follows depends on them.

import NIOCore

/// A frame's type (RFC 9113, 6).
enum FrameType {
  static let data: UInt8 = 0x0
  static let headers: UInt8 = 0x1
  static let priority: UInt8 = 0x2
  static let reset: UInt8 = 0x3
  static let settings: UInt8 = 0x4
  static let pushPromise: UInt8 = 0x5
  static let ping: UInt8 = 0x6
  static let goAway: UInt8 = 0x7
  static let windowUpdate: UInt8 = 0x8
  static let continuation: UInt8 = 0x9
}

/// Nine bytes: length, type, flags, stream (RFC 9113, 4.1); for padded DATA one more, the length of the
/// padding, without which nobody knows whether the frame carries anything.
struct FrameHeader {
  /// Bytes of every frame's header.
  static let length = 9
  private static let endStreamFlag: UInt8 = 0x1
  private static let acknowledgementFlag: UInt8 = 0x1
  private static let endHeadersFlag: UInt8 = 0x4
  private static let paddedFlag: UInt8 = 0x8

  let type: UInt8
  /// Zero is the connection.
  let stream: UInt32
  /// Bytes after the nine.
  let payloadBytes: Int
  private let flags: UInt8
  /// Of padded DATA: the byte that says so and the padding.
  private let padding: Int

  /// Nil if `buffer` does not have all of it at `index`.
  init?(_ buffer: ByteBuffer, at index: Int) {
    guard let word = buffer.getInteger(at: index, as: UInt64.self),
      let last = buffer.getInteger(at: index + 8, as: UInt8.self)
    else { return nil }
    payloadBytes = Int(word >> 40)
    type = UInt8(truncatingIfNeeded: word >> 32)
    flags = UInt8(truncatingIfNeeded: word >> 24)
    // Without the reserved bit.
    stream = UInt32(truncatingIfNeeded: word & 0x7f_ffff) << 8 | UInt32(last)
    guard type == FrameType.data, flags & Self.paddedFlag != 0, payloadBytes > 0 else {
      padding = 0
      return
    }
    guard let byte = buffer.getInteger(at: index + Self.length, as: UInt8.self) else { return nil }
    padding = 1 + Int(byte)
  }

  /// Bytes that were looked at.
  var readBytes: Int { padding > 0 ? Self.length + 1 : Self.length }
  /// Bytes of the frame.
  var frameBytes: Int { Self.length + payloadBytes }
  var endsStream: Bool { flags & Self.endStreamFlag != 0 }
  var isAcknowledgement: Bool { flags & Self.acknowledgementFlag != 0 }
  /// Whether no CONTINUATION follows HEADERS, PUSH_PROMISE or CONTINUATION.
  var endsHeaders: Bool { flags & Self.endHeadersFlag != 0 }
  /// Bytes of DATA without the padding; negative if there is more padding than payload, or a flag that
  /// announces padding on an empty frame.
  var dataBytes: Int {
    flags & Self.paddedFlag != 0 && payloadBytes == 0 ? -1 : payloadBytes - padding
  }
}
