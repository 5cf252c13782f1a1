// Carries the AtomicBroadcast handlers over gRPC.

import AtomicBroadcast
import FabricCrypto
import GRPCTransport
import NIOCore

/// A gRPC call as the handlers see it.
private struct GRPCClientStream: ClientStream {
  let stream: GRPCServerStream
  let tracer: RequestTracer?
  let tlsCertificateHash: [UInt8]?

  init(_ stream: GRPCServerStream, tracer: RequestTracer?) {
    self.stream = stream
    self.tracer = tracer
    tlsCertificateHash = stream.peerCertificates.first.map { SHA256Digest.hash($0) }
  }

  var remoteAddress: String { stream.remoteAddress }
  var executor: (any TaskExecutor)? { stream.executor }
  func nextMessages() async throws -> [[UInt8]]? {
    let messages = try await stream.nextMessages()
    if let tracer, let messages { tracer.trace(messages) }
    return messages
  }
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
  static let broadcastPath = "/orderer.AtomicBroadcast/Broadcast"
  static let deliverPath = "/orderer.AtomicBroadcast/Deliver"

  /// Where the requests of each method are written, if at all.
  struct Traces: Sendable {
    var broadcast: RequestTracer?
    var deliver: RequestTracer?

    /// Returns when everything has been written.
    func finish() async {
      await broadcast?.finish()
      await deliver?.finish()
    }
  }

  static func methods(
    broadcast: BroadcastHandler, deliver: DeliverHandler, traces: Traces
  ) -> [GRPCMethod] {
    [
      GRPCMethod(path: broadcastPath) { stream in
        try await mapped {
          try await broadcast.handle(GRPCClientStream(stream, tracer: traces.broadcast))
        }
      },
      GRPCMethod(path: deliverPath) { stream in
        try await mapped {
          try await deliver.handle(GRPCClientStream(stream, tracer: traces.deliver))
        }
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
