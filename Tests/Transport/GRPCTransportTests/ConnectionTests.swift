// Connections over real sockets: garbage, timeouts, pings, limits, listening, shutting down.

import Concurrency
import NIOCore
import NIOHTTP2
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import GRPCTransport

@Suite(.sockets) struct ConnectionTests {
  /// Sends bytes and waits until the server closes.
  private func untilClosed(_ bytes: [UInt8], _ address: String) async throws {
    let (host, port) = split(address)
    let channel = try await TestClient.bootstrap()
      .connect(host: host, port: port).get()
    if !bytes.isEmpty { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
    try await channel.closeFuture.get()
  }

  @Test func whatIsNotHTTP2IsClosed() async throws {
    try await TestServer.run { server in
      let inputs: [[UInt8]] = [
        Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
        (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) },
        [UInt8](repeating: 0, count: 100_000),
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [UInt8](repeating: 0xff, count: 100),
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 0, 0, 0, 0, 0, 1],
      ]
      for input in inputs { try await untilClosed(input, server.address) }
      try await eventually { server.server.registry.connectionCount == 0 }
      let client = try await TestClient(address: server.address)
      #expect(try await client.call("/test.Echo/Stream", [1]).status == 0)
      await client.close()
    }
  }

  /// A HEADERS frame of a call, written by hand.
  private func headersFrame(stream: UInt8) -> [UInt8] {
    var block: [UInt8] = []
    for (name, value) in [
      (":method", "POST"), (":scheme", "http"), (":path", "/test.Echo/Stream"),
      (":authority", "localhost"), ("content-type", "application/grpc"),
    ] {
      block += [0, UInt8(name.utf8.count)] + Array(name.utf8)
      block += [UInt8(value.utf8.count)] + Array(value.utf8)
    }
    return [0, 0, UInt8(block.count), 1, 4, 0, 0, 0, stream] + block
  }

  @Test func aConnectionThatBreaksWhileItIsReadIsForgotten() async throws {
    final class Weak: Sendable {
      weak let channel: (any Channel)?
      init(_ channel: (any Channel)?) { self.channel = channel }
    }
    try await TestServer.run { server in
      let (host, port) = split(server.address)
      let client = try await TestClient.bootstrap()
        .connect(host: host, port: port).get()
      let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
      try await client.writeAndFlush(ByteBuffer(bytes: preface + headersFrame(stream: 1)))
      try await eventually { server.server.registry.handlerCount == 1 }
      let connection = Weak(server.server.registry.connections.first)
      #expect(connection.channel != nil)
      // Two good streams and a broken frame in one read.
      let broken = [UInt8](repeating: 0xff, count: 20)
      let bytes = headersFrame(stream: 3) + headersFrame(stream: 5) + broken
      try? await client.writeAndFlush(ByteBuffer(bytes: bytes))
      try await client.closeFuture.get()
      try await eventually { connection.channel == nil }
      // A call's handler ends in a task of its own, which may outlive the connection by a moment.
      try await eventually { server.server.registry.handlerCount == 0 }
      try await eventually { server.server.budget.usage == (0, 0) }
    }
  }

  @Test func connectionsAreBounded() async throws {
    try await TestServer.run(limits: .with { $0.maximumConnections = 2 }) { server in
      let clients = [
        try await TestClient(address: server.address),
        try await TestClient(address: server.address),
      ]
      for client in clients { _ = try await client.call("/test.Echo/Stream") }
      try await untilClosed([], server.address)
      await clients[0].close()
      try await eventually { server.server.registry.connectionCount == 1 }
      let next = try await TestClient(address: server.address)
      #expect(try await next.call("/test.Echo/Stream", [1]).status == 0)
      await next.close()
      await clients[1].close()
    }
  }

  @Test func tooManyPingsEndTheConnection() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      client.ping(4)
      var goAway: (HTTP2ErrorCode, String)?
      for await frame in client.rootFrames {
        if case .goAway(_, let code, let text) = frame {
          goAway = (code, text.map { String(buffer: $0) } ?? "")
        }
      }
      #expect(goAway?.0 == .enhanceYourCalm)
      #expect(goAway?.1 == "too_many_pings")
    }
  }

  @Test func pingsWhileDataIsSentAreFine() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Echo/Stream")
      for index in 1...1000 {
        try await stream.send([1, 2, 3])
        _ = await stream.collect(bytes: 8)
        client.ping(index.isMultiple(of: 2) ? 1 : 2)
      }
      try await stream.sendRaw([], end: true)
      #expect(await stream.collect().status == 0)
      await client.close()
    }
  }

  @Test func pingsDuringOneLargeAnswerAreFine() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address, streamWindow: 65_535)
      let stream = try await client.open("/test.Echo/Large", pingsOnData: true)
      try await stream.send(Array("10000000".utf8), end: true)
      #expect(await stream.collect().data.count == 10_000_005)
      // One for each round trip, as long as the answer lasts.
      #expect(client.dataPings.load(ordering: .relaxed) > 20)
      await client.close()
    }
  }

  @Test func aSilentClientIsPinged() async throws {
    let keepalive = GRPCServerKeepalive(
      serverInterval: .milliseconds(100), serverTimeout: .seconds(3600))
    try await TestServer.run(keepalive: keepalive) { server in
      let client = try await TestClient(address: server.address)
      var pings = 0
      for await frame in client.rootFrames {
        if case .ping(_, ack: false) = frame { pings += 1 }
        if pings == 3 { break }
      }
      // It answered, as HTTP/2 handlers do, and is still there.
      #expect(try await client.call("/test.Echo/Stream", [1]).status == 0)
      await client.close()
    }
  }

  @Test func anAddressInUseIsNamed() async throws {
    try await TestServer.run { server in
      let (host, port) = split(server.address)
      let second = try GRPCServer(
        configuration: GRPCServerConfiguration(host: host, port: port, eventLoopThreads: 1),
        methods: [], time: ManualTime(), logger: TestLog().logger)
      let error = try await #require(throws: GRPCListenError.self) { try await second.start() }
      let text = error.description.lowercased()
      #expect(text.contains("listen"))
      #expect(text.contains("address already in use"))
      #expect(text.contains(server.address))
    }
  }

  @Test func shuttingDownLetsStreamsEnd() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Echo/Stream")
      try await stream.send([1])
      _ = await stream.collect(bytes: 6)
      async let stopped: Void = server.server.shutdown(grace: .seconds(60))
      for await frame in client.rootFrames {
        if case .goAway(_, .noError, _) = frame { break }
      }
      try await stream.send([2], end: true)
      let result = await stream.collect()
      #expect(result.messages == [[2]])
      #expect(result.status == 0)
      await stopped
      await #expect(throws: (any Error).self) { try await TestClient(address: server.address) }
    }
  }

  @Test func shuttingDownEndsWhatDoesNotEnd() async throws {
    let cancelled = Atomic<Bool>(false)
    let waiting = GRPCMethod(path: "/test.Wait/Wait") { stream in
      await stream.closed()
      cancelled.store(true, ordering: .relaxed)
    }
    try await TestServer.run(methods: [waiting]) { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Wait/Wait")
      try await eventually { server.server.registry.handlerCount == 1 }
      async let stopped: Void = server.server.shutdown(grace: .seconds(10))
      for await frame in client.rootFrames {
        if case .goAway(_, .noError, _) = frame { break }
      }
      await server.time.waitForSleepers(1)
      server.time.advance(by: .milliseconds(9_999))
      #expect(server.server.registry.handlerCount == 1)
      server.time.advance(by: .milliseconds(1))
      await stopped
      let result = await stream.collect()
      #expect(result.status == 14)
      #expect(result.message == "the server is shutting down")
      let wasCancelled = cancelled.load(ordering: .relaxed)
      #expect(wasCancelled)
    }
  }
}
