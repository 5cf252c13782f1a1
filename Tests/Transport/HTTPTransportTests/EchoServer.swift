// A server for tests of the HTTP layer.

import Concurrency
import GoText
import HTTPTestClient
import Logging
import TestSupport
import Testing

@testable import HTTPTransport

extension HTTPServerName {
  static let test = HTTPServerName(
    subsystem: "test server", addressSetting: "Test.ListenAddress", tlsSection: "Test.TLS")
}

/// A server with the routes `/echo`, `/large` (1 MiB) and `/slow` (until cancelled). Its shutdowns wait
/// until everything has ended.
func withEchoServer(
  _ limits: HTTPServerLimits = .patient, log: TestLog = TestLog(), body limit: Int = 1000,
  timeout: Duration = .seconds(3600), now: @escaping @Sendable () -> UnixTime = UnixTime.now,
  _ body: (String, HTTPServer) async throws -> Void
) async throws {
  let server = try HTTPServer(
    listenAddress: "127.0.0.1:0", name: .test, limits: limits, time: ManualTime(),
    now: now, logger: log.logger)
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
      await untilCancelled()
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
  #expect(server.environment.registry.connectionCount == 0)
  #expect(server.environment.registry.handlerCount == 0)
  #expect(server.environment.pendingResponseBytes == 0)
}
