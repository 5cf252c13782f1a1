// grpc.health.v1.Health: says that the server serves, for load balancers and probes.

import FabricProtos
import NIOCore
import Synchronization

/// The standard health service. Every registered service, and "" for the server as a whole, serves.
struct HealthService: Sendable {
  static let name = "grpc.health.v1.Health"

  private enum ServingStatus: UInt8 {
    case serving = 1
    case serviceUnknown = 3
  }

  private let services: Set<String>

  /// - Parameter services: the services beside this one.
  init(services: Set<String>) {
    self.services = services.union(["", Self.name])
  }

  var methods: [GRPCMethod] {
    [
      GRPCMethod(path: "/\(Self.name)/Check", handler: check),
      GRPCMethod(path: "/\(Self.name)/Watch", handler: watch),
    ]
  }

  private func check(_ stream: GRPCServerStream) async throws {
    guard services.contains(try await requestedService(stream)) else {
      throw GRPCStatus(.notFound, "unknown service")
    }
    try await stream.send(Self.response(.serving))
  }

  private func watch(_ stream: GRPCServerStream) async throws {
    let isKnown = services.contains(try await requestedService(stream))
    try await stream.send(Self.response(isKnown ? .serving : .serviceUnknown))
    // Nothing changes while the server runs.
    await stream.closed()
    throw GRPCStatus(.cancelled, "Stream has ended.")
  }

  private func requestedService(_ stream: GRPCServerStream) async throws -> String {
    guard let request = try await stream.nextMessages()?.first else {
      throw GRPCStatus(.internalError, "unexpected EOF")
    }
    guard let service = Self.serviceName(in: request) else {
      throw GRPCStatus(.internalError, "grpc: error unmarshalling request")
    }
    return service
  }

  /// `message HealthCheckResponse { ServingStatus status = 1; }`
  private static func response(_ status: ServingStatus) -> ByteBuffer {
    ByteBuffer(bytes: [0x08, status.rawValue])
  }

  /// The value of `service` in `message HealthCheckRequest { string service = 1; }`; nil when the
  /// bytes are not a message.
  static func serviceName(in request: [UInt8]) -> String? {
    var service = ""
    var reader = WireReader(request, request.indices)
    do {
      while let field = try reader.next() {
        guard field.isBytes(1) else { continue }
        guard let text = String(validating: request[field.range], as: UTF8.self) else { return nil }
        service = text
      }
      return service
    } catch {
      return nil
    }
  }
}
