// The HTTP server: what it accepts, what it refuses, and how it stops.

import Concurrency
import GoText
import HTTPTestClient
import Logging
import NIOCore
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.sockets) struct HTTPServerTests {
  // MARK: Protocol

  @Test func aConnectionServesManyRequests() async throws {
    try await withEchoServer { address, _ in
      let wire = try await Wire(address)
      for number in 0..<100 {
        let body = "number \(number)."
        try await wire.send(
          "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        try await wire.until("POST number \(number).")
      }
      #expect(wire.isOpen)
      await wire.close()
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await withEchoServer { address, _ in
      let wire = try await Wire(address)
      let requests = (0..<20).map {
        "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\(10 + $0)"
      }
      try await wire.send(requests.joined() + "GET /nosuch HTTP/1.1\r\nHost: a\r\n\r\n")
      try await wire.until("404 page not found")
      let numbers = wire.received.matches(of: /PUT (\d\d)/).map { Int($0.1) }
      #expect(numbers == Array(10..<30))
      #expect(wire.isOpen)
      await wire.close()
    }
  }

  @Test func tooManyPipelinedRequestsCloseTheConnection() async throws {
    try await withEchoServer { address, server in
      let next = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"
      let patient = try await Wire(address)
      try await patient.send(
        "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + String(repeating: next, count: 32))
      try await eventually { server.environment.registry.handlerCount == 1 }
      let greedy = try await Wire(address)
      try await greedy.send(
        "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + String(repeating: next, count: 100))
      #expect(try await greedy.untilClosed().isEmpty)
      #expect(patient.isOpen)
      await patient.close()
    }
  }

  @Test func chunkedBodiesAreTaken() async throws {
    try await withEchoServer { address, _ in
      let answer = try await exchange(
        address,
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
      #expect(answer.body == "POST abcde")
    }
  }

  @Test func theClientIsToldToContinue() async throws {
    try await withEchoServer { address, _ in
      let wire = try await Wire(address)
      let head =
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
      try await wire.send(head)
      try await wire.until("HTTP/1.1 100 Continue\r\n\r\n")
      try await wire.send("abc")
      try await wire.until("POST abc")
      // But not if the body is not wanted.
      try await wire.send(head.replacing("Length: 3", with: "Length: 3000"))
      #expect(try await wire.untilClosed().contains("HTTP/1.1 413 "))
    }
  }

  @Test func oldClientsAreServed() async throws {
    try await withEchoServer { address, _ in
      let wire = try await Wire(address)
      try await wire.send("GET /echo HTTP/1.0\r\n\r\n")
      let answer = try await wire.untilClosed()
      #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n"))
      let kept = try await Wire(address)
      try await kept.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      try await kept.until("GET ")
      #expect(kept.received.lowercased().contains("connection: keep-alive"))
      #expect(kept.isOpen)
      await kept.close()
    }
  }

  @Test func aClientThatEndsItsSideIsAnswered() async throws {
    try await withEchoServer { address, _ in
      let wire = try await Wire(address)
      try await wire.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
      try await wire.channel.close(mode: .output)
      try await wire.until("GET ")
    }
  }

  @Test func responsesAreDated() async throws {
    let now: @Sendable () -> UnixTime = { UnixTime(seconds: 1_795_380_710) }
    try await withEchoServer(now: now) { address, _ in
      let answer = try await ask(address, "GET", "/echo")
      #expect(answer.headers["date"] == "Sun, 22 Nov 2026 20:51:50 GMT")
    }
  }

  @Test func theAnswerToHEADHasNoBody() async throws {
    try await withEchoServer { address, _ in
      let answer = try await ask(address, "HEAD", "/large")
      #expect(answer.status == 200)
      #expect(answer.headers["content-length"] == "1048576")
      #expect(answer.body.isEmpty)
    }
  }

  @Test(arguments: [
    ("GET /%65cho?a=b HTTP/1.1\r\nHost: a\r\n", 200),
    ("GET http://host:1/echo HTTP/1.1\r\nHost: a\r\n", 200),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n", 200),
    ("GET //echo HTTP/1.1\r\nHost: a\r\n", 307),
    ("GET /a/../echo HTTP/1.1\r\nHost: a\r\n", 307),
    ("GET /echo HTTP/1.1\r\n", 400),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
    ("GET /%zz HTTP/1.1\r\nHost: a\r\n", 400),
    ("GET /% HTTP/1.1\r\nHost: a\r\n", 400),
    ("GET * HTTP/1.1\r\nHost: a\r\n", 400),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nExpect: more\r\n", 417),
    ("GET /echo HTTP/2.0\r\nHost: a\r\n", 505),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n", 400),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n", 400),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n", 400),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n", 413),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nbad header\r\n", 400),
    ("GET /echo HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n", 400),
    ("garbage\r\n", 400),
    ("\u{0}\u{1}\u{2}\r\n", 400),
  ])
  func requestsAreJudgedByTheirHead(request: String, status: Int) async throws {
    try await withEchoServer { address, _ in
      let wire = try await Wire(address)
      try await wire.send(request + "\r\n")
      try await wire.until("\r\n\r\n")
      #expect(try Answer(wire.received).status == status)
      await wire.close()
      #expect(try await ask(address, "GET", "/echo").status == 200)
    }
  }

  // MARK: Stopping

  @Test func aRequestThatIsBeingAnsweredMayEnd() async throws {
    let (gate, open) = AsyncStream<Void>.makeStream()
    let server = try HTTPServer(
      listenAddress: "127.0.0.1:0", name: .test, limits: .patient, time: ManualTime(),
      logger: TestLog().logger)
    try server.register(
      HTTPRoute(path: "/wait", access: .open, timeout: .seconds(3600)) { _ in
        for await _ in gate {}
        return .text("done")
      })
    try await server.start()
    let address = try #require(server.boundAddress)
    let idle = try await Wire(address)
    let busy = try await Wire(address)
    try await busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    try await eventually { server.environment.registry.handlerCount == 1 }
    let stopping = Task { await server.shutdown(grace: .seconds(1)) }
    #expect(try await idle.untilClosed().isEmpty)
    open.finish()
    #expect(try await busy.untilClosed().hasSuffix("done"))
    await stopping.value
    await #expect(throws: (any Error).self) { _ = try await Wire(address) }
    await server.shutdown()
    await #expect(throws: CancellationError.self) { try await server.start() }
  }
}
