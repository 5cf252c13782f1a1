// Lays out what is sent to another orderer: each byte that a message carries is copied once, into its frame.

import FabricProtos
import NIOCore
import Ordering

/// Serialized StepRequests, byte for byte as Go's orderers write them.
enum StepFrame {
  /// A message of a channel's consensus protocol, whose payload comes in pieces that follow each other.
  static func consensus(
    channel: String, payload: [ArraySlice<UInt8>], metadata: [UInt8]
  ) -> ByteBuffer {
    let payloadSize = payload.reduce(0) { $0 + $1.count }
    var head: [UInt8] = []
    append(field: 1, bytes: channel.utf8, to: &head)
    if payloadSize > 0 { append(field: 2, length: payloadSize, to: &head) }
    var tail: [UInt8] = []
    append(field: 3, bytes: metadata, to: &tail)
    var frame = request(field: 1, head: head, rest: payloadSize + tail.count)
    for piece in payload { frame.writeBytes(piece) }
    frame.writeBytes(tail)
    return frame
  }

  /// Fields of a SubmitRequest that only nodes of ours know.
  enum OriginField {
    static let life: UInt64 = 1001
    static let term: UInt64 = 1002
    static let number: UInt64 = 1003
  }

  /// A client's message for the leader.
  static func submit(
    channel: String, sequence: UInt64, envelope: [UInt8], origin: SubmissionOrigin? = nil
  ) -> ByteBuffer {
    var head: [UInt8] = []
    append(field: 1, bytes: channel.utf8, to: &head)
    if sequence > 0 { append(field: 2, number: sequence, to: &head) }
    append(field: 3, length: envelope.count, to: &head)
    var tail: [UInt8] = []
    if let origin {
      append(field: OriginField.life, number: origin.life, to: &tail)
      append(field: OriginField.term, number: origin.term, to: &tail)
      append(field: OriginField.number, number: origin.number, to: &tail)
    }
    var frame = request(field: 2, head: head, rest: envelope.count + tail.count)
    frame.writeBytes(envelope)
    frame.writeBytes(tail)
    return frame
  }

  /// The beginning of a StepRequest whose content goes on with `rest` more bytes.
  private static func request(field: UInt64, head: [UInt8], rest: Int) -> ByteBuffer {
    var outer: [UInt8] = []
    append(field: field, length: head.count + rest, to: &outer)
    var frame = ByteBufferAllocator().buffer(capacity: outer.count + head.count + rest)
    frame.writeBytes(outer)
    frame.writeBytes(head)
    return frame
  }

  /// A byte string or text; an empty one is absent.
  private static func append(
    field: UInt64, bytes: some Collection<UInt8>, to message: inout [UInt8]
  ) {
    guard !bytes.isEmpty else { return }
    append(field: field, length: bytes.count, to: &message)
    message.append(contentsOf: bytes)
  }

  private static func append(field: UInt64, number: UInt64, to message: inout [UInt8]) {
    Varint.append(field << 3, to: &message)
    Varint.append(number, to: &message)
  }

  private static func append(field: UInt64, length: Int, to message: inout [UInt8]) {
    Varint.append(field << 3 | 2, to: &message)
    Varint.append(UInt64(length), to: &message)
  }
}
