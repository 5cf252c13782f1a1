// A bare HTTP/2 client and other helpers: what the tests drive a server with.

import Concurrency
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport

@testable import GRPCTransport

/// What a client sees on a stream.
enum ClientEvent: Sendable, Equatable {
  case headers([String: String], end: Bool)
  case data([UInt8], end: Bool)
  case reset(UInt32)
  case closed
}

/// One stream of a `TestClient`.
final class ClientStream: Sendable {
  let channel: any Channel
  private let events: AsyncStream<ClientEvent>

  init(channel: any Channel, events: AsyncStream<ClientEvent>) {
    self.channel = channel
    self.events = events
  }

  func sendRaw(_ bytes: [UInt8], end: Bool = false) async throws {
    let data = HTTP2Frame.FramePayload.Data(
      data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: end)
    try await channel.writeAndFlush(HTTP2Frame.FramePayload.data(data))
  }

  func queueRaw(_ bytes: [UInt8], end: Bool = false) {
    let data = HTTP2Frame.FramePayload.Data(
      data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: end)
    channel.writeAndFlush(HTTP2Frame.FramePayload.data(data), promise: nil)
  }

  func send(_ message: [UInt8], end: Bool = false) async throws {
    try await sendRaw(framed(message), end: end)
  }

  func reset() async throws {
    try await channel.writeAndFlush(HTTP2Frame.FramePayload.rstStream(.cancel))
  }

  /// All events until the stream is closed.
  func collect() async -> ClientResult {
    var result = ClientResult()
    for await event in events { result.add(event) }
    return result
  }

  /// Events until `count` bytes of data have come, or the stream is closed.
  func collect(bytes count: Int) async -> ClientResult {
    var result = ClientResult()
    for await event in events {
      result.add(event)
      if result.data.count >= count { break }
    }
    return result
  }
}

func framed(_ message: [UInt8]) -> [UInt8] {
  [0] + withUnsafeBytes(of: UInt32(message.count).bigEndian, Array.init) + message
}

/// The outcome of a call.
struct ClientResult: Sendable {
  var headers: [String: String] = [:]
  var trailers: [String: String] = [:]
  var data: [UInt8] = []
  var reset: UInt32?

  mutating func add(_ event: ClientEvent) {
    switch event {
    case .headers(let fields, let end):
      if end { trailers = fields } else { headers = fields }
    case .data(let bytes, _):
      data += bytes
    case .reset(let code):
      reset = code
    case .closed:
      break
    }
  }

  var messages: [[UInt8]] {
    var deframer = MessageDeframer(maximumMessageBytes: .max)
    var messages: [[UInt8]] = []
    try? deframer.append(ByteBuffer(bytes: data), to: &messages)
    return messages
  }

  var status: Int? { trailers["grpc-status"].flatMap { Int($0) } }
  var message: String { trailers["grpc-message"] ?? "" }
}

private final class EventHandler: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload

  private let continuation: AsyncStream<ClientEvent>.Continuation
  private let onData: @Sendable () -> Void

  init(
    _ continuation: AsyncStream<ClientEvent>.Continuation, onData: @escaping @Sendable () -> Void
  ) {
    self.continuation = continuation
    self.onData = onData
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .headers(let headers):
      let fields = Dictionary(
        headers.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
      continuation.yield(.headers(fields, end: headers.endStream))
    case .data(let data):
      guard case .byteBuffer(let buffer) = data.data else { return }
      continuation.yield(.data(Array(buffer.readableBytesView), end: data.endStream))
      onData()
    case .rstStream(let code):
      continuation.yield(.reset(UInt32(code.networkCode)))
    default:
      break
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    continuation.yield(.closed)
    continuation.finish()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// Frames of stream 0 as the client sees them.
private final class RootHandler: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  private let continuation: AsyncStream<HTTP2Frame.FramePayload>.Continuation
  private let onPingAnswer: @Sendable () -> Void

  init(
    _ continuation: AsyncStream<HTTP2Frame.FramePayload>.Continuation,
    onPingAnswer: @escaping @Sendable () -> Void
  ) {
    self.continuation = continuation
    self.onPingAnswer = onPingAnswer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let payload = unwrapInboundIn(data).payload
    if case .ping(_, ack: true) = payload { onPingAnswer() }
    continuation.yield(payload)
  }

  func channelInactive(context: ChannelHandlerContext) {
    continuation.finish()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

/// A connection to a server under test.
final class TestClient: Sendable {
  let channel: any Channel
  /// Frames of stream 0, until the connection is closed.
  let rootFrames: AsyncStream<HTTP2Frame.FramePayload>
  private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
  /// Pings sent because data arrived, as by gRPC clients that measure their bandwidth…
  let dataPings = Atomic<Int>(0)
  /// …of which there is one at a time.
  private let isPingUnderWay: PingFlag

  private final class PingFlag: Sendable {
    let value = Atomic<Bool>(false)
  }

  /// Waits for a connection longer than any busy machine takes.
  static func bootstrap() -> ClientBootstrap {
    ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.hours(1))
  }

  init(address: String, tls: NIOSSLContext? = nil, streamWindow: Int = 4 << 20) async throws {
    let (frames, continuation) = AsyncStream.makeStream(of: HTTP2Frame.FramePayload.self)
    let (host, port) = split(address)
    let created = Mutex<NIOHTTP2Handler.StreamMultiplexer?>(nil)
    let isPingUnderWay = PingFlag()
    self.isPingUnderWay = isPingUnderWay
    channel = try await Self.bootstrap()
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let tls {
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          }
          var connection = NIOHTTP2Handler.ConnectionConfiguration()
          connection.initialSettings = [
            HTTP2Setting(parameter: .initialWindowSize, value: streamWindow)
          ]
          connection.targetWindowSize = 64 << 20
          connection.controlFrameRateLimit.maximumCount = 100_000
          var stream = NIOHTTP2Handler.StreamConfiguration()
          stream.targetWindowSize = streamWindow
          stream.outboundBufferSizeHighWatermark = 64 << 20
          stream.streamResetFrameRateLimit.maximumCount = 100_000
          let http2 = NIOHTTP2Handler(
            mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: connection,
            streamConfiguration: stream
          ) { $0.eventLoop.makeSucceededVoidFuture() }
          try pipeline.addHandler(http2)
          try pipeline.addHandler(
            RootHandler(continuation) {
              isPingUnderWay.value.store(false, ordering: .relaxed)
            })
          let multiplexer = try http2.syncMultiplexer()
          created.withLock { $0 = multiplexer }
        }
      }
      .connect(host: host, port: port).get()
    guard let multiplexer = created.withLock({ $0 }) else {
      throw ChannelError.inappropriateOperationForState
    }
    self.multiplexer = multiplexer
    self.rootFrames = frames
  }

  /// Opens a stream and sends its headers.
  func open(
    _ path: String, headers extra: [(String, String)] = [],
    contentType: String = "application/grpc",
    method: String = "POST", end: Bool = false, autoRead: Bool = true,
    pingsOnData: Bool = false
  ) async throws -> ClientStream {
    let (events, continuation) = AsyncStream.makeStream(of: ClientEvent.self)
    let channel = try await multiplexer.createStreamChannel { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.syncOptions?.setOption(.autoRead, value: autoRead)
        try channel.pipeline.syncOperations.addHandler(
          EventHandler(continuation) { if pingsOnData { self.pingOnData() } })
      }
    }.get()
    var headers = HPACKHeaders([
      (":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"),
      ("content-type", contentType), ("te", "trailers"),
    ])
    for (name, value) in extra { headers.add(name: name, value: value) }
    let payload = HTTP2Frame.FramePayload.Headers(headers: headers, endStream: end)
    try await channel.writeAndFlush(HTTP2Frame.FramePayload.headers(payload))
    return ClientStream(channel: channel, events: events)
  }

  /// One request, one result.
  func call(_ path: String, _ message: [UInt8] = []) async throws -> ClientResult {
    let stream = try await open(path)
    // The server may have refused the call already.
    stream.queueRaw(framed(message), end: true)
    return await stream.collect()
  }

  private func pingOnData() {
    guard !isPingUnderWay.value.exchange(true, ordering: .relaxed) else { return }
    dataPings.add(1, ordering: .relaxed)
    ping(1)
  }

  func ping(_ count: Int) {
    for index in 0..<count {
      let ping = HTTP2PingData(withInteger: UInt64(index))
      channel.writeAndFlush(
        HTTP2Frame(streamID: .rootStream, payload: .ping(ping, ack: false)), promise: nil)
    }
  }

  func close() async {
    try? await channel.close()
  }
}

func split(_ address: String) -> (host: String, port: Int) {
  let colon = address.lastIndex(of: ":") ?? address.endIndex
  return (String(address[..<colon]), Int(address[colon...].dropFirst()) ?? 0)
}

/// A server with the methods that the tests need.
struct TestServer: Sendable {
  let server: GRPCServer
  let address: String
  let log: TestLog
  /// Limits how long shutdowns wait; it stands still, so they wait until everything has ended.
  let time: ManualTime

  /// Starts a server on a free port, runs `body`, and stops it.
  static func run(
    tls: GRPCServerTLS? = nil, keepalive: GRPCServerKeepalive = .patient,
    methods: [GRPCMethod] = [], observer: any GRPCServerObserver = SilentObserver(),
    limits: GRPCServerLimits = .with { _ in },
    _ body: (TestServer) async throws -> Void
  ) async throws {
    let log = TestLog()
    let time = ManualTime()
    let server = try GRPCServer(
      configuration: GRPCServerConfiguration(
        host: "127.0.0.1", port: 0, tls: tls, keepalive: keepalive, limits: limits,
        eventLoopThreads: 2),
      methods: methods + standardMethods, time: time, logger: log.logger, observer: observer)
    let address = try await server.start()
    do {
      try await body(TestServer(server: server, address: address, log: log, time: time))
    } catch {
      await server.shutdown(grace: .zero)
      throw error
    }
    await server.shutdown(grace: .zero)
  }

  static let standardMethods = [
    GRPCMethod(path: "/test.Echo/Stream") { stream in
      while let messages = try await stream.nextMessages() {
        try await stream.send(messages.map { ByteBuffer(bytes: $0) })
      }
    },
    GRPCMethod(path: "/test.Echo/Certificates") { stream in
      while try await stream.nextMessages() != nil {}
      try await stream.send(stream.peerCertificates.map { ByteBuffer(bytes: $0) })
    },
    GRPCMethod(path: "/test.Echo/Fail") { _ in
      throw GRPCStatus(.failedPrecondition, "no: 100%")
    },
    // The first message says how large the answer is, in decimal.
    GRPCMethod(path: "/test.Echo/Large") { stream in
      guard let request = try await stream.nextMessages()?.first else { return }
      let count = Int(String(decoding: request, as: UTF8.self)) ?? 0
      try await stream.send(ByteBuffer(repeating: 7, count: count))
    },
  ]
}

extension GRPCServerLimits {
  /// The default limits with changes, and with times that no busy machine can exceed.
  static func with(_ change: (inout GRPCServerLimits) -> Void) -> GRPCServerLimits {
    var limits = GRPCServerLimits()
    limits.connectionTimeout = .seconds(3600)
    limits.trailersTimeout = .seconds(3600)
    change(&limits)
    return limits
  }
}

extension GRPCServerKeepalive {
  /// The defaults, but for a time that no busy machine can exceed.
  static let patient = GRPCServerKeepalive(serverTimeout: .seconds(3600))
}

/// Polls until a number has not changed for a while, which gives it the time to exceed its bound, and
/// returns it.
func settled(_ value: @Sendable () -> Int) async -> Int {
  var last = value()
  var rounds = 0
  while rounds < 50 {
    try? await Task.sleep(for: .milliseconds(20))
    let next = value()
    rounds = next == last && next > 0 ? rounds + 1 : 0
    last = next
  }
  return last
}
