// How long a connection may be silent, on a clock that only the test moves.

import Concurrency
import NIOCore
import NIOEmbedded
import Sockets
import TestSupport
import Testing

@testable import GRPCTransport

@Suite struct ConnectionTimeTests {
  /// The preface of a client, with empty SETTINGS.
  private static let preface =
    Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
  private static let ping: UInt8 = 6

  private let channel = EmbeddedChannel()

  init() throws {
    var limits = GRPCServerLimits()
    limits.connectionTimeout = .seconds(5)
    let environment = GRPCServerEnvironment(
      limits: limits,
      keepalive: GRPCServerKeepalive(serverInterval: .seconds(100), serverTimeout: .seconds(20)),
      methods: MethodTable([]), budget: InboundBudget(windowLimit: 0, bufferLimit: 0),
      registry: ServerRegistry(maximumConnections: 1), observer: SilentObserver(),
      time: ManualTime(), logger: TestLog().logger)
    try GRPCServer.configure(
      channel, environment: environment, tls: nil, userTimeout: .seconds(20))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  private func send(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

  private func pass(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

  /// The frames that were sent to the client since the last call: their types and payloads.
  private func frames() throws -> [(type: UInt8, payload: [UInt8])] {
    var bytes = ByteBuffer()
    while let data = try channel.readOutbound(as: IOData.self) {
      if case .byteBuffer(var buffer) = data { bytes.writeBuffer(&buffer) }
    }
    var frames: [(UInt8, [UInt8])] = []
    while let head = bytes.readBytes(length: 9) {
      let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      frames.append((head[3], bytes.readBytes(length: length) ?? []))
    }
    return frames
  }

  @Test(arguments: ["", "PRI * HT"])
  func aMissingPrefaceTimesOut(beginning: String) throws {
    if !beginning.isEmpty { try send(Array(beginning.utf8)) }
    pass(.milliseconds(4_999))
    #expect(channel.isActive)
    pass(.milliseconds(1))
    #expect(!channel.isActive)
  }

  @Test func anEstablishedConnectionDoesNotTimeOut() throws {
    pass(.milliseconds(4_999))
    try send(Self.preface)
    pass(.seconds(90))
    #expect(channel.isActive)
  }

  @Test func aSilentClientIsPingedAndStaysIfItAnswers() throws {
    try send(Self.preface)
    _ = try frames()
    for _ in 0..<3 {
      pass(.seconds(100))
      let pings = try frames().filter { $0.type == Self.ping }
      #expect(pings.count == 1)
      pass(.seconds(1))
      try send([0, 0, 8, Self.ping, 1, 0, 0, 0, 0] + (pings.first?.payload ?? []))
    }
    pass(.seconds(21))
    #expect(channel.isActive)
  }

  @Test func aClientThatDoesNotAnswerIsClosed() throws {
    try send(Self.preface)
    pass(.milliseconds(119_999))
    #expect(try frames().filter { $0.type == Self.ping }.count == 1)
    #expect(channel.isActive)
    pass(.milliseconds(1))
    #expect(!channel.isActive)
  }
}
