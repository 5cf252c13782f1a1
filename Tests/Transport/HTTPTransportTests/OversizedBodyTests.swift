// Bodies above the limit of a route that has an answer of its own for them.

import HTTPTestClient
import Testing

@testable import HTTPTransport

@Suite(.sockets) struct OversizedBodyTests {
  private static func withServer(_ body: (String) async throws -> Void) async throws {
    try await withEchoServer { address, server in
      try server.register(
        HTTPRoute(
          path: "/form", access: .open, bodyLimit: 10,
          oversized: { .text(status: 400, "\($0.method) with \($0.body.count) bytes is too much") }
        ) { .text("\($0.body.count) bytes") })
      try await body(address)
    }
  }

  private static let head = "POST /form HTTP/1.1\r\nHost: a\r\n"

  @Test func theRouteAnswersAnAnnouncedBody() async throws {
    try await Self.withServer { address in
      let fits = try await exchange(
        address, Self.head + "Connection: close\r\nContent-Length: 10\r\n\r\n0123456789")
      #expect(fits.body == "10 bytes")
      let body = String(repeating: "x", count: 3 << 20)
      let answer = try await exchange(
        address, Self.head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
      #expect(answer.status == 400)
      #expect(answer.body == "POST with 0 bytes is too much")
    }
  }

  @Test func theRouteAnswersABodyOfUnknownLength() async throws {
    try await Self.withServer { address in
      let answer = try await exchange(
        address,
        Self.head + "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n")
      #expect(answer.status == 400)
      #expect(answer.body == "POST with 0 bytes is too much")
    }
  }
}
