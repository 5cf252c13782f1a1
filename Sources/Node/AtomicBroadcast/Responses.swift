// The few messages that the service answers with, encoded by hand because they are on the hot path.

import FabricProtos
import NIOCore

enum Responses {
  /// `BroadcastResponse{status: SUCCESS}`.
  static let broadcastSuccess = broadcast(.success, info: "")

  /// A serialized `orderer.BroadcastResponse`.
  static func broadcast(_ status: Common_Status, info: String) -> ByteBuffer {
    var bytes: [UInt8] = [0x08]
    Varint.append(UInt64(status.rawValue), to: &bytes)
    if !info.isEmpty {
      let text = Array(info.utf8)
      bytes.append(0x12)
      Varint.append(UInt64(text.count), to: &bytes)
      bytes += text
    }
    return ByteBuffer(bytes: bytes)
  }

  /// A serialized `orderer.DeliverResponse` with a status.
  static func deliver(_ status: Common_Status) -> ByteBuffer {
    var bytes: [UInt8] = [0x08]
    Varint.append(UInt64(status.rawValue), to: &bytes)
    return ByteBuffer(bytes: bytes)
  }

  /// A serialized `orderer.DeliverResponse` with a serialized block.
  static func deliver(block: ByteBuffer) -> ByteBuffer {
    let prefix = deliverPrefix(blockBytes: block.readableBytes)
    var buffer = ByteBufferAllocator().buffer(capacity: prefix.count + block.readableBytes)
    buffer.writeBytes(prefix)
    buffer.writeImmutableBuffer(block)
    return buffer
  }
}
