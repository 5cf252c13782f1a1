// The client against servers that answer calls in every wrong way, over real sockets.

import Concurrency
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import GRPCTransport

/// A server that says what a test tells it to, frame by frame.
private final class RawServer: Sendable {
  private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let received: Watched<ByteBuffer>
    init(_ received: Watched<ByteBuffer>) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = unwrapInboundIn(data)
      received.change { _ = $0.writeImmutableBuffer(bytes) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }

  private let listener: any Channel
  private let client: Watched<(any Channel)?>
  /// All that the client has sent.
  private let received: Watched<ByteBuffer>

  init() async throws {
    let client = Watched<(any Channel)?>(nil)
    let received = Watched(ByteBuffer())
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Reader(received))
          client.change { $0 = channel }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    (self.client, self.received) = (client, received)
  }

  var address: String { "127.0.0.1:\(listener.localAddress?.port ?? 0)" }

  /// Sends to the client, once it is there.
  func send(_ bytes: [UInt8]) async {
    let channel = await client.wait { $0 }
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
  }

  /// Waits until the client has sent so many frames of a type.
  func wait(for type: UInt8, count: Int = 1) async {
    await received.wait { received in
      var rest = received
      rest.moveReaderIndex(forwardBy: min(prefaceBytes.count, rest.readableBytes))
      var found = 0
      while let header = FrameHeader(rest, at: rest.readerIndex),
        rest.readableBytes >= header.frameBytes
      {
        rest.moveReaderIndex(forwardBy: header.frameBytes)
        if header.type == type { found += 1 }
      }
      return found >= count ? () : nil
    }
  }

  func disconnect() async {
    let channel = await client.wait { $0 }
    try? await channel.close().get()
  }

  func stop() async {
    try? await client.read { $0 }?.close().get()
    try? await listener.close().get()
  }
}

/// A block of headers, none of them indexed.
private func block(_ headers: [(String, String)]) -> [UInt8] {
  var bytes: [UInt8] = []
  for (name, value) in headers {
    bytes += [0, UInt8(name.utf8.count)] + Array(name.utf8)
    bytes += [UInt8(value.utf8.count)] + Array(value.utf8)
  }
  return bytes
}

private let accepted = frameBytes(
  FrameType.headers, flags: 4, stream: 1,
  block([(":status", "200"), ("content-type", "application/grpc")]))

private func trailers(_ headers: [(String, String)], stream: UInt32 = 1) -> [UInt8] {
  frameBytes(FrameType.headers, flags: 5, stream: stream, block(headers))
}

@Suite(.sockets) struct HostileServerTests {
  /// Runs `body` with a call that a server has seen the beginning of.
  private func withCall(
    bufferedBytes: Int = HTTP2Limits().maximumBufferedBytesTotal,
    _ body: (RawServer, GRPCClient, GRPCClientConnection, GRPCClientStream) async throws -> Void
  ) async throws {
    let server = try await RawServer()
    let begin = Task { await server.send(frameBytes(FrameType.settings)) }
    try await withClient(
      to: server.address, configuration: .patient { $0.maximumBufferedBytesTotal = bufferedBytes }
    ) { client, connection in
      await begin.value
      let stream = try await connection.openStream("/a.B/C")
      await server.wait(for: FrameType.headers)
      try await body(server, client, connection, stream)
      stream.cancel()
    }
    await server.stop()
  }

  /// How a call ends that a server answers with these frames.
  private func end(_ frames: [UInt8]) async throws -> GRPCStatus {
    let end = Watched<GRPCStatus?>(nil)
    try await withCall { server, _, connection, stream in
      await server.send(frames)
      let status = await stream.ended()
      end.change { $0 = status }
      #expect(connection.isUsable)
    }
    return try #require(end.read { $0 })
  }

  @Test func whatIsNoAnswerOfGRPCBecomesAStatus() async throws {
    let unknown = "the server's trailers have no status that gRPC knows"
    let cases: [([UInt8], GRPCStatus)] = [
      (
        trailers([(":status", "200"), ("grpc-status", "7"), ("grpc-message", "no%20%F0%9F%A6%84%")]
        ),
        GRPCStatus(.permissionDenied, "no 🦄%")
      ),
      (accepted + trailers([("grpc-status", "5")]), GRPCStatus(.notFound, "")),
      (accepted + trailers([("grpc-status", "0")]), .ok),
      (accepted + trailers([("grpc-status", "99")]), GRPCStatus(.unknown, unknown)),
      (accepted + trailers([("a", "b")]), GRPCStatus(.unknown, unknown)),
      (
        trailers([(":status", "404"), ("content-type", "text/html")]),
        GRPCStatus(.unimplemented, "unexpected HTTP status code received from server: 404")
      ),
      (
        frameBytes(1, flags: 4, stream: 1, block([(":status", "503")])),
        GRPCStatus(.unavailable, "unexpected HTTP status code received from server: 503")
      ),
      (
        frameBytes(1, flags: 4, stream: 1, block([(":status", "200"), ("content-type", "a/b")])),
        GRPCStatus(.unknown, "transport: received unexpected content-type \"a/b\"")
      ),
      (
        frameBytes(
          1, flags: 4, stream: 1,
          block([
            (":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "gzip"),
          ])),
        GRPCStatus(
          .internalError, "grpc: Decompressor is not installed for grpc-encoding \"gzip\"")
      ),
      (
        frameBytes(1, flags: 4, stream: 1, block([(":status", "103")])) + accepted
          + trailers([("grpc-status", "5")]), GRPCStatus(.notFound, "")
      ),
      (
        accepted + frameBytes(0, flags: 1, stream: 1),
        GRPCStatus(.internalError, "server closed the stream without sending trailers")
      ),
      (
        accepted + frameBytes(0, stream: 1, [0, 0, 0, 0, 9, 1]) + trailers([("grpc-status", "0")]),
        GRPCStatus(.internalError, "unexpected EOF")
      ),
      (
        accepted + frameBytes(0, stream: 1, [1, 0, 0, 0, 0]),
        GRPCStatus(.internalError, "grpc: compressed flag set with identity or empty encoding")
      ),
      (
        accepted + frameBytes(0, stream: 1, [0, 0xff, 0xff, 0xff, 0xff]),
        GRPCStatus(
          .resourceExhausted, "grpc: received message larger than max (4294967295 vs. 104857600)")
      ),
    ]
    for (frames, status) in cases { #expect(try await end(frames) == status) }
  }

  @Test(arguments: [
    (UInt8(7), GRPCStatus.Code.unavailable), (8, .cancelled), (11, .resourceExhausted),
    (12, .permissionDenied), (0, .internalError), (2, .internalError), (99, .internalError),
  ])
  func aResetSaysWhy(code: UInt8, expected: GRPCStatus.Code) async throws {
    let status = try await end(frameBytes(FrameType.reset, stream: 1, [0, 0, 0, code]))
    #expect(status.code == expected)
    #expect(status.message.hasPrefix("stream terminated by RST_STREAM with error code: "))
  }

  @Test func whatCameBeforeTheConnectionBrokeIsStillTaken() async throws {
    try await withCall { server, client, connection, stream in
      await server.send(accepted + frameBytes(0, stream: 1, framed([1]) + framed([2]) + [0, 0]))
      let first = try await stream.receive()
      await server.disconnect()
      let second = try await stream.receive()
      #expect([first, second] == [[1], [2]])
      #expect(await stream.ended().code == .unavailable)
      #expect(await connection.closed().code == .unavailable)
      #expect(client.budget.usage.windows == 0)
    }
  }

  @Test func anAnnouncedMessageReservesNothing() async throws {
    try await withCall { server, client, _, stream in
      let announced = 100 * 1024 * 1024
      let prefix = [0] + withUnsafeBytes(of: UInt32(announced).bigEndian, Array.init)
      await server.send(accepted + frameBytes(0, stream: 1, prefix + [1, 2, 3]))
      try await eventually { client.budget.usage.buffered > 0 }
      #expect(client.budget.usage.buffered < 100_000)
      stream.cancel()
      try await eventually { client.budget.usage.buffered == 0 }
    }
  }

  @Test func aServerThatIgnoresTheWindowIsStopped() async throws {
    try await withCall { server, client, connection, stream in
      await server.send(accepted)
      let frame = frameBytes(0, stream: 1, framed([UInt8](repeating: 1, count: 16_000)))
      let flood = Task { while !Task.isCancelled { await server.send(frame) } }
      // Nobody takes anything.
      try await eventually { client.budget.usage.windows == 0 }
      flood.cancel()
      #expect(client.budget.usage.buffered < 1_200_000)
      while let message = try? await stream.receive() { #expect(message.count == 16_000) }
      #expect(await stream.ended().code != .ok)
    }
  }

  @Test func allStreamsTogetherAreBounded() async throws {
    try await withCall(bufferedBytes: 10_000) { server, client, _, stream in
      await server.send(
        accepted + frameBytes(0, stream: 1, framed([UInt8](repeating: 1, count: 11_000))))
      try await eventually { client.budget.usage.windows == 0 }
      let message = try await stream.receive()
      #expect(message?.count == 11_000)
      #expect(await stream.ended().code == .resourceExhausted)
    }
  }

  @Test func aServerThatAllowsNoStreamsLetsThemWaitUntilItLeaves() async throws {
    let server = try await RawServer()
    // SETTINGS_MAX_CONCURRENT_STREAMS: 0
    let begin = Task { await server.send(frameBytes(FrameType.settings, [0, 3, 0, 0, 0, 0])) }
    try await withClient(to: server.address) { _, connection in
      await begin.value
      let late = try await connection.openStream("/a.B/C", timeout: .milliseconds(10))
      #expect(await late.ended() == .deadlineExceeded)
      let stream = try await connection.openStream("/a.B/C")
      try await stream.send(ByteBuffer(bytes: [1]))
      let cancelled = try await connection.openStream("/a.B/C")
      cancelled.cancel()
      await server.send(frameBytes(FrameType.goAway, [0, 0, 0, 0, 0, 0, 0, 0]))
      #expect(await connection.gone().message.contains("goes away"))
      #expect(await stream.ended().code == .unavailable)
      _ = await connection.closed()
    }
    await server.stop()
  }

  @Test func streamsThatALeavingServerDoesNotServeEnd() async throws {
    try await withCall { server, _, connection, stream in
      let second = try await connection.openStream("/a.B/C")
      await server.wait(for: FrameType.headers, count: 2)
      // The first stream is the last that it serves.
      await server.send(frameBytes(FrameType.goAway, [0, 0, 0, 1, 0, 0, 0, 0]))
      #expect(await second.ended().code == .unavailable)
      await server.send(accepted + frameBytes(0, stream: 1, framed([1])))
      #expect(try await stream.receive() == [1])
      await server.send(trailers([("grpc-status", "0")]))
      #expect(await stream.ended() == .ok)
      _ = await connection.closed()
    }
  }

  @Test func aDialThatIsCancelledEndsAtOnce() async throws {
    let server = try await RawServer()
    let client = GRPCClient(configuration: .patient(), logger: TestLog().logger)
    let (host, port) = split(server.address)
    let dial = Task { try await client.connect(to: host, port: port, tls: nil) }
    await server.wait(for: FrameType.settings)
    dial.cancel()
    await #expect(throws: GRPCDialError.cancelled) { try await dial.value }
    await client.shutdown()
    await server.stop()
  }

  @Test func aDialThatNobodyAnswersTimesOut() async throws {
    let server = try await RawServer()
    let client = GRPCClient(
      configuration: GRPCClientConfiguration(dialTimeout: .milliseconds(50)),
      logger: TestLog().logger)
    let (host, port) = split(server.address)
    await #expect(throws: GRPCDialError.timedOut) {
      try await client.connect(to: host, port: port, tls: nil)
    }
    await client.shutdown()
    await server.stop()
  }
}
