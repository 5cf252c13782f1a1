// Nobody can make the HTTP server hang or grow.

import HTTPTestClient
import Logging
import NIOCore
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.sockets) struct HostileHTTPTests {
  @Test func aBodyBeyondItsLimitIsRefusedWithoutBeingRead() async throws {
    try await withEchoServer { address, _ in
      for request in [
        "Content-Length: 1001\r\n\r\n",
        "Content-Length: 1001\r\n\r\n" + String(repeating: "x", count: 1001),
        "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + String(repeating: "x", count: 2000),
      ] {
        let answer = try await exchange(address, "POST /echo HTTP/1.1\r\nHost: a\r\n" + request)
        #expect(answer.status == 413)
        #expect(answer.headers["connection"] == "close")
      }
      let exact = try await ask(address, "POST", "/echo", String(repeating: "x", count: 1000))
      #expect(exact.status == 200)
      #expect(exact.body.utf8.count == 1005)
    }
  }

  @Test func hugeHeadersAreRefused() async throws {
    try await withEchoServer { address, _ in
      let large = String(repeating: "x", count: 100_000)
      for head in [
        "GET /echo HTTP/1.1\r\nHost: a\r\nX: \(large)\r\n\r\n",
        "GET /\(large) HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: a\r\n"
          + (0..<1000).map { "X\($0): y\r\n" }.joined() + "\r\n",
        "GET /echo HTTP/1.1\r\n\(large): a\r\n\r\n",
      ] {
        let status = try await exchange(address, head).status
        #expect(status == 431)
      }
    }
  }

  @Test func handlersThatTakeTooLongAreCancelledAndAnsweredFor() async throws {
    try await withEchoServer(timeout: .milliseconds(100)) { address, server in
      let wire = try await Wire(address)
      try await wire.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
      try await wire.until("HTTP/1.1 503 ")
      try await eventually { server.environment.registry.handlerCount == 0 }
      // The connection goes on.
      try await wire.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
      try await wire.until("GET ")
      #expect(!wire.received.contains("late"))
      await wire.close()
    }
  }

  @Test func handlersAreCancelledWhenTheServerStops() async throws {
    try await withEchoServer { address, server in
      let wires = try await withThrowingTaskGroup(of: Wire.self) { group in
        for _ in 0..<20 {
          group.addTask {
            let wire = try await Wire(address)
            try await wire.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            return wire
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      try await eventually { server.environment.registry.handlerCount == 20 }
      await server.shutdown(grace: .zero)
      #expect(server.environment.registry.handlerCount == 0)
      for wire in wires { #expect(try await wire.untilClosed().isEmpty) }
    }
  }

  @Test func handlersAreBounded() async throws {
    var limits = HTTPServerLimits.patient
    limits.handlers = 3
    try await withEchoServer(limits) { address, server in
      var wires: [Wire] = []
      for _ in 0..<3 {
        let wire = try await Wire(address)
        try await wire.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wires.append(wire)
      }
      try await eventually { server.environment.registry.handlerCount == 3 }
      #expect(try await ask(address, "GET", "/echo").status == 503)
      for wire in wires { await wire.close() }
    }
  }

  @Test func connectionsAreBoundedAndOthersWork() async throws {
    let log = TestLog()
    var limits = HTTPServerLimits.patient
    limits.connections = 50
    try await withEchoServer(limits, log: log) { address, server in
      var wires: [Wire] = []
      for _ in 0..<50 { wires.append(try await Wire(address)) }
      try await eventually { server.environment.registry.connectionCount == 50 }
      #expect(try await Wire(address).untilClosed().isEmpty)
      try await wires[7].send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
      try await wires[7].until("GET ")
      await wires[0].close()
      try await eventually {
        (try? await ask(address, "GET", "/echo").status) == 200
      }
      #expect(log.text.contains("the limit of 50 connections is reached"))
      for wire in wires { await wire.close() }
    }
  }

  @Test func aClientThatTakesNothingHoldsABoundedAmount() async throws {
    var limits = HTTPServerLimits.patient
    limits.pendingResponseBytes = 3 << 20
    try await withEchoServer(limits) { address, server in
      var wires: [Wire] = []
      for _ in 0..<3 {
        let wire = try await Wire(address, readsNothing: true)
        try await wire.send(
          String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 30))
        wires.append(wire)
      }
      // The kernel's buffers take some of it; then the bound holds.
      try await eventually {
        server.environment.pendingResponseBytes == 3 << 20
      }
      let answer = try await ask(address, "GET", "/large")
      #expect(answer.status == 503)
      #expect(server.environment.pendingResponseBytes <= (3 << 20) + 200)
      for wire in wires { await wire.close() }
    }
  }

  @Test func aClientThatTakesNothingIsCutOff() async throws {
    var limits = HTTPServerLimits.patient
    limits.writeTimeout = .milliseconds(300)
    try await withEchoServer(limits) { address, server in
      let wire = try await Wire(address, readsNothing: true)
      try await wire.send(String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 30))
      try await eventually { server.environment.registry.connectionCount == 0 }
      await wire.close()
    }
  }

  @Test func whatFollowsAnUpgradeIsThrownAway() async throws {
    try await withEchoServer { address, server in
      for head in [
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
      ] {
        let wire = try await Wire(address)
        try await wire.send(head)
        for _ in 0..<100 where wire.isOpen {
          try? await wire.send(String(repeating: "x", count: 100_000))
        }
        #expect(try await wire.untilClosed().hasPrefix("HTTP/1.1 "))
      }
      try await eventually { server.environment.registry.connectionCount == 0 }
    }
  }

  @Test func thousandsOfConnectionsComeAndGo() async throws {
    var limits = HTTPServerLimits.patient
    // More than can be there before the server notices which have gone.
    limits.connections = 20 * 150
    try await withEchoServer(limits) { address, server in
      let succeeded = try await withThrowingTaskGroup(of: Int.self) { group in
        for lane in 0..<20 {
          group.addTask {
            var succeeded = 0
            for number in 0..<150 {
              let wire = try await Wire(address)
              switch (lane + number) % 4 {
              case 0:
                try? await wire.send("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
              case 1: try? await wire.send("GET /echo HT")
              case 2: try? await wire.send("\u{16}\u{3}\u{1}\u{2}\u{0}garbage\r\n\r\n")
              default: break
              }
              if (lane + number) % 4 == 0, try await wire.untilClosed().contains(" 200 OK") {
                succeeded += 1
              }
              await wire.close()
            }
            return succeeded
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(succeeded == 20 * 150 / 4)
      try await eventually { server.environment.registry.connectionCount == 0 }
    }
  }

  @Test func randomBytesDoNoHarm() async throws {
    try await withEchoServer { address, server in
      let parts = [
        "GET ", "POST ", "/echo", " HTTP/1.1", " HTTP/1.0", "\r\n", "\n", "\r", ":", "Host: a",
        "Content-Length: 5", "Transfer-Encoding: chunked", "Connection: keep-alive", "Expect: ",
        "100-continue", "0", "a", "5\r\nabcde\r\n", "\u{0}", "\u{7f}", "é", " ", "\t", "%", "?",
        "*",
      ]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            for _ in 0..<60 {
              let wire = try await Wire(address)
              var text = Bool.random() ? "POST /echo HTTP/1.1\r\nHost: a\r\n" : ""
              for _ in 0..<Int.random(in: 1...40) { text += parts.randomElement() ?? "" }
              try? await wire.send(text)
              try? await wire.channel.close(mode: .output)
              _ = try await wire.untilClosed()
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await ask(address, "GET", "/echo").status == 200)
      try await eventually { server.environment.registry.connectionCount == 0 }
    }
  }
}
