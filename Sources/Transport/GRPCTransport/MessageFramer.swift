// Messages into the payloads of DATA frames: small ones together, large ones without a copy.

import NIOCore

/// A message sent in two parts, so that bytes which many streams share need not be copied behind
/// the part that differs.
package struct PrefixedMessage: Sendable {
  /// The first few bytes.
  package var prefix: [UInt8]
  /// All others.
  package var body: ByteBuffer

  package init(prefix: [UInt8] = [], body: ByteBuffer) {
    self.prefix = prefix
    self.body = body
  }

  /// Bytes of the whole message.
  var readableBytes: Int { prefix.count + body.readableBytes }
}

/// Puts the five bytes of gRPC's length prefix before messages.
enum MessageFramer {
  /// Messages up to this size are copied behind their prefix; a larger one becomes a DATA payload
  /// of its own, so that streams share its memory.
  static let copyLimit = 8 * 1024
  /// The same where the payloads are written at once and memory does not matter: up to this size a
  /// copy costs less than a frame.
  static let urgentCopyLimit = 64 * 1024
  /// A payload of copied messages is closed when it has reached this size.
  static let payloadTarget = 128 * 1024

  /// Bytes before each message: a flag and its length.
  static let prefixLength = 5

  static func payloads(
    for messages: [ByteBuffer], allocator: ByteBufferAllocator
  ) -> (payloads: [ByteBuffer], bytes: Int) {
    payloads(for: messages.map { PrefixedMessage(body: $0) }, allocator: allocator)
  }

  /// The DATA payloads for `messages`, in order, and their size.
  ///
  /// - Parameter messages: each at most 2^32-1 bytes; the caller has checked a lower limit.
  static func payloads(
    for messages: [PrefixedMessage], allocator: ByteBufferAllocator, copyLimit: Int = copyLimit
  ) -> (payloads: [ByteBuffer], bytes: Int) {
    var copied = 0
    for message in messages {
      copied += prefixLength + message.prefix.count
      if message.body.readableBytes <= copyLimit { copied += message.body.readableBytes }
    }
    var payloads: [ByteBuffer] = []
    var bytes = 0
    var current = allocator.buffer(capacity: min(copied, payloadTarget + copyLimit))
    for message in messages {
      let length = message.readableBytes
      bytes += prefixLength + length
      copied -= prefixLength + message.prefix.count
      current.writeInteger(0, as: UInt8.self)
      current.writeInteger(UInt32(truncatingIfNeeded: length))
      current.writeBytes(message.prefix)
      let bodyLength = message.body.readableBytes
      if bodyLength <= copyLimit {
        copied -= bodyLength
        current.writeImmutableBuffer(message.body)
        guard current.readableBytes >= payloadTarget else { continue }
        payloads.append(current)
      } else {
        payloads.append(current)
        payloads.append(message.body)
      }
      current = allocator.buffer(capacity: min(copied, payloadTarget + copyLimit))
    }
    if current.readableBytes > 0 { payloads.append(current) }
    return (payloads, bytes)
  }
}
