// What the handlers need of a client's stream, whatever transport carries it.

import FabricProtos

import struct NIOCore.ByteBuffer

/// One bidirectional stream of messages with a client.
package protocol ClientStream: Sendable {
  /// Where the client is, for the log.
  var remoteAddress: String { get }
  /// SHA-256 of the client's TLS certificate in DER form; nil if it presented none.
  var tlsCertificateHash: [UInt8]? { get }
  /// The best place to read blocks that go to the client at once: next to what writes them. It must
  /// not be held up for longer than writing takes. Nil if it does not matter where.
  var executor: (any TaskExecutor)? { get }

  /// The messages that have arrived, in order; nil once the client has finished sending.
  ///
  /// - Throws: If the stream broke or was cancelled.
  func nextMessages() async throws -> [[UInt8]]?
  /// Sends messages, in order, waiting while the client does not take them.
  func send(_ messages: [ByteBuffer]) async throws
  /// Sends serialized blocks, in order, each as an `orderer.DeliverResponse`. A block's bytes are shared
  /// by all who read it, so a transport should put ``deliverPrefix(blockBytes:)`` before them without a
  /// copy.
  func send(blocks: [ByteBuffer]) async throws
}

extension ClientStream {
  package var executor: (any TaskExecutor)? { nil }

  package func send(blocks: [ByteBuffer]) async throws {
    try await send(blocks.map(Responses.deliver(block:)))
  }
}

/// The prefix that turns a serialized block into an `orderer.DeliverResponse`.
package func deliverPrefix(blockBytes: Int) -> [UInt8] {
  var prefix: [UInt8] = [0x12]
  Varint.append(UInt64(blockBytes), to: &prefix)
  return prefix
}

/// Why a handler breaks a stream instead of answering.
package enum StreamFailure: Error, CustomStringConvertible {
  /// A message on the stream was no `common.Envelope`.
  case malformedEnvelope
  /// The stream was cancelled while the handler waited for a block.
  case cancelled

  package var description: String {
    switch self {
    case .malformedEnvelope: "failed to unmarshal the received message: it is not an envelope"
    case .cancelled: "the stream was cancelled before the next block was there"
    }
  }
}
