// What a connection answers to floods and to frames that break HTTP/2's rules.

import Concurrency
import NIOCore
import NIOEmbedded
import Sockets
import TestSupport
import Testing

@testable import GRPCTransport

@Suite struct FrameFloodTests {
  private let channel = EmbeddedChannel()
  private let log = TestLog()

  init() throws {
    let environment = GRPCServerEnvironment(
      limits: GRPCServerLimits(), keepalive: GRPCServerKeepalive(), methods: MethodTable([]),
      budget: InboundBudget(windowLimit: 0, bufferLimit: 0),
      registry: ServerRegistry(maximumConnections: 1), observer: SilentObserver(),
      time: ManualTime(), logger: log.logger)
    try GRPCServer.configure(
      channel, environment: environment, tls: nil, userTimeout: .seconds(20))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  private func send(_ bytes: [UInt8]) { _ = try? channel.writeInbound(ByteBuffer(bytes: bytes)) }

  private func begin() { send(prefaceBytes + frameBytes(FrameType.settings)) }

  /// Code and text of the GOAWAY that was sent; nil if none was.
  private func goAway() throws -> (code: UInt32, text: String)? {
    var sent = ByteBuffer()
    while let data = try channel.readOutbound(as: IOData.self) {
      if case .byteBuffer(var buffer) = data { sent.writeBuffer(&buffer) }
    }
    while let header = FrameHeader(sent, at: sent.readerIndex) {
      var frame = sent.readSlice(length: header.frameBytes) ?? ByteBuffer()
      guard header.type == FrameType.goAway else { continue }
      frame.moveReaderIndex(forwardBy: FrameHeader.length + 4)
      let code = frame.readInteger(as: UInt32.self) ?? 0
      return (code, String(buffer: frame))
    }
    return nil
  }

  @Test(arguments: [
    ("SETTINGS", frameBytes(4)), ("GOAWAY", frameBytes(7, [UInt8](repeating: 0, count: 8))),
    ("WINDOW_UPDATE", frameBytes(8, [0, 0, 0, 1])), ("unknown", frameBytes(0x77, [1, 2, 3])),
    ("PRIORITY", frameBytes(2, stream: 1, [0, 0, 0, 0, 1])),
  ])
  func aFloodEndsTheConnection(kind: String, frame: [UInt8]) throws {
    begin()
    for _ in 0..<20_000 {
      send(frame)
      guard let end = try goAway() else { continue }
      #expect(end.code == 11)
      #expect(end.text == "too many \(kind) frames")
      // The client gets a moment to read it, and nothing that it still sends counts.
      send(frame)
      #expect(channel.isActive)
      channel.embeddedEventLoop.advanceTime(by: .seconds(1))
      #expect(!channel.isActive)
      #expect(log.text.contains("a connection whose client sends too many \(kind) frames"))
      return
    }
    Issue.record("the flood went on")
  }

  @Test func aFloodBeforeTheFirstSettingsEndsTheConnection() {
    send(prefaceBytes)
    for _ in 0..<2_000 where channel.isActive { send(frameBytes(0x77)) }
    #expect(!channel.isActive)
  }

  @Test func unknownFramesAreIgnored() throws {
    begin()
    for _ in 0..<100 { send(frameBytes(0x77, flags: 0xff, stream: 9, [1, 2, 3])) }
    send(frameBytes(0xa, [0, 0]) + frameBytes(0xc, stream: 3, [9]))
    #expect(try goAway() == nil)
    #expect(channel.isActive)
  }

  /// PROTOCOL_ERROR is 1, FRAME_SIZE_ERROR 6.
  @Test(
    arguments: [
      (1, frameBytes(0, stream: 0, [1])), (6, frameBytes(0x77, length: 16_385)),
      (6, frameBytes(0, stream: 1, length: 16_385)), (1, frameBytes(9, stream: 1, [1])),
      (1, frameBytes(1, stream: 1, [0x82]) + frameBytes(0x77)),
      (1, frameBytes(1, stream: 1, [0x82]) + frameBytes(9, flags: 4, stream: 3)),
      (1, frameBytes(0, flags: 8, stream: 1)), (1, frameBytes(0, flags: 8, stream: 1, [9, 1])),
      (6, frameBytes(6, [1])), (6, frameBytes(4, [1])), (6, frameBytes(8, [1])),
    ] as [(UInt32, [UInt8])])
  func brokenRulesAreAnsweredAsHTTP2Says(code: UInt32, frames: [UInt8]) throws {
    begin()
    for byte in frames { send([byte]) }
    send([UInt8](repeating: 0, count: 100))
    #expect(try goAway()?.code == code)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func aLongTailOfContinuationsEndsTheConnection() throws {
    begin()
    send(frameBytes(1, stream: 1, [0x82]))
    for _ in 0..<6 { send(frameBytes(9, stream: 1)) }
    #expect(try goAway()?.code == 11)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }
}
