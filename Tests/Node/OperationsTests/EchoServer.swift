// A server for tests of the HTTP layer.

import Foundation
import Logging
import Testing

@testable import Operations

/// A server with the routes `/echo`, `/large` (1 MiB) and `/slow` (until cancelled).
func withEchoServer(
  _ limits: HTTPServerLimits = HTTPServerLimits(), log: TestLog = TestLog(), body limit: Int = 1000,
  timeout: Duration = .seconds(60), _ body: (String, HTTPServer) async throws -> Void
) async throws {
  let server = try HTTPServer(
    listenAddress: "127.0.0.1:0", name: .operations, limits: limits, logger: log.logger)
  try server.register(
    HTTPRoute(path: "/echo", access: .open, bodyLimit: limit) { request in
      .text("\(request.method) \(String(decoding: request.body, as: UTF8.self))")
    })
  try server.register(
    HTTPRoute(path: "/large", access: .open) { _ in
      HTTPResponse(status: 200, body: [UInt8](repeating: 120, count: 1 << 20))
    })
  try server.register(
    HTTPRoute(path: "/slow", access: .open, timeout: timeout) { _ in
      try? await Task.sleep(for: .seconds(3600))
      return .text("late")
    })
  try await server.start()
  do {
    try await body(try #require(server.boundAddress), server)
  } catch {
    await server.shutdown(grace: .zero)
    throw error
  }
  await server.shutdown(grace: .zero)
  #expect(server.environment.connectionCount == 0)
  #expect(server.environment.handlerCount == 0)
  #expect(server.environment.pendingResponseBytes == 0)
}

/// What comes for these bytes until the server closes.
func exchange(_ address: String, _ bytes: String) async throws -> Answer {
  let wire = try await Wire(address)
  try await wire.send(bytes)
  return try Answer(try await wire.untilClosed())
}
