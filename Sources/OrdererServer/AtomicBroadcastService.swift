// Carries the AtomicBroadcast handlers over gRPC.

import AtomicBroadcast
import FabricCrypto
import GRPCTransport
import NIOCore

/// A gRPC call as the handlers see it.
private struct GRPCClientStream: ClientStream {
  let stream: GRPCServerStream
  let tlsCertificateHash: [UInt8]?

  init(_ stream: GRPCServerStream) {
    self.stream = stream
    tlsCertificateHash = stream.peerCertificates.first.map { SHA256Digest.hash($0) }
  }

  var remoteAddress: String { stream.remoteAddress }
  func nextMessages() async throws -> [[UInt8]]? { try await stream.nextMessages() }
  func send(_ messages: [ByteBuffer]) async throws { try await stream.send(messages) }

  func send(blocks: [ByteBuffer]) async throws {
    try await stream.send(
      blocks.map {
        PrefixedMessage(prefix: deliverPrefix(blockBytes: $0.readableBytes), body: $0)
      })
  }
}

/// The methods of `orderer.AtomicBroadcast`.
enum AtomicBroadcastService {
  static func methods(broadcast: BroadcastHandler, deliver: DeliverHandler) -> [GRPCMethod] {
    [
      GRPCMethod(path: "/orderer.AtomicBroadcast/Broadcast") { stream in
        try await mapped { try await broadcast.handle(GRPCClientStream(stream)) }
      },
      GRPCMethod(path: "/orderer.AtomicBroadcast/Deliver") { stream in
        try await mapped { try await deliver.handle(GRPCClientStream(stream)) }
      },
    ]
  }

  private static func mapped(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let failure as StreamFailure {
      switch failure {
      case .malformedEnvelope:
        throw GRPCStatus(.internalError, "grpc: \(failure)")
      case .cancelled: throw GRPCStatus(.cancelled, "\(failure)")
      }
    }
  }
}
