// What a client's connection does about floods, broken rules, silence and ends, at a time that stands still.

import Concurrency
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import GRPCTransport

@Suite struct ClientFloodTests {
  private let channel = EmbeddedChannel()
  private let log = TestLog()
  private let connection: ClientConnection

  init() throws {
    let environment = GRPCClientEnvironment(
      limits: HTTP2Limits(), keepalive: GRPCClientKeepalive(),
      budget: InboundBudget(windowLimit: 0, bufferLimit: 0), logger: log.logger)
    connection = try GRPCClient.configure(
      channel, environment: environment, tls: nil, authority: "node:1", dial: Dial(),
      deadline: channel.embeddedEventLoop.now + .seconds(5))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  private func send(_ bytes: [UInt8]) { _ = try? channel.writeInbound(ByteBuffer(bytes: bytes)) }

  private func begin() { send(frameBytes(FrameType.settings)) }

  /// The types of the frames that were sent, without the preface.
  private func sentFrames() throws -> [UInt8] {
    var sent = ByteBuffer()
    while let data = try channel.readOutbound(as: IOData.self) {
      if case .byteBuffer(var buffer) = data { sent.writeBuffer(&buffer) }
    }
    if sent.readableBytesView.starts(with: prefaceBytes) {
      sent.moveReaderIndex(forwardBy: prefaceBytes.count)
    }
    var types: [UInt8] = []
    while let header = FrameHeader(sent, at: sent.readerIndex) {
      sent.moveReaderIndex(forwardBy: header.frameBytes)
      types.append(header.type)
    }
    return types
  }

  private var end: String? {
    connection.life.read { if case .closed(let status) = $0 { status.message } else { nil } }
  }

  @Test(arguments: [
    ("SETTINGS", frameBytes(4)), ("PING", frameBytes(6, [UInt8](repeating: 0, count: 8))),
    ("WINDOW_UPDATE", frameBytes(8, [0, 0, 0, 1])), ("unknown", frameBytes(0x77, [1, 2, 3])),
    ("PRIORITY", frameBytes(2, stream: 1, [0, 0, 0, 0, 1])),
  ])
  func aFloodEndsTheConnection(kind: String, frame: [UInt8]) throws {
    begin()
    for _ in 0..<20_000 where end == nil { send(frame) }
    #expect(end == "the server sends too many \(kind) frames")
    #expect(try sentFrames().last == FrameType.goAway)
    // The server gets a moment to read why.
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
    #expect(log.text.contains("a connection whose server sends too many \(kind) frames"))
  }

  @Test(arguments: [
    frameBytes(0, stream: 0, [1]), frameBytes(0x77, length: 16_385), frameBytes(9, stream: 1, [1]),
    frameBytes(1, stream: 1, [0x82]) + frameBytes(0x77), frameBytes(6, [1]), frameBytes(4, [1]),
    // A server's stream, a push, and a message on a stream that never was.
    frameBytes(1, flags: 4, stream: 2, [0x88]),
    frameBytes(5, flags: 4, stream: 1, [0, 0, 0, 2, 0x82]),
    frameBytes(0, stream: 7, [1]), frameBytes(8, [0x7f, 0xff, 0xff, 0xff]),
    frameBytes(1, stream: 1, [0x88]) + frameBytes(9, stream: 1) + frameBytes(9, stream: 1)
      + frameBytes(9, stream: 1) + frameBytes(9, stream: 1) + frameBytes(9, stream: 1)
      + frameBytes(9, stream: 1),
  ])
  func brokenRulesEndTheConnection(frames: [UInt8]) throws {
    begin()
    for byte in frames { send([byte]) }
    send([UInt8](repeating: 0, count: 100))
    #expect(end?.contains("breaks the rules of HTTP/2") == true)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func pingsAreAnsweredManyTimesOver() throws {
    begin()
    for _ in 0..<1_500 { send(frameBytes(6, [UInt8](repeating: 7, count: 8))) }
    let pings = try sentFrames().filter { $0 == FrameType.ping }
    #expect(pings.count == 1_500)
    #expect(end == nil)
  }

  @Test func aServerThatSaysNothingIsGivenUp() throws {
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(4_999))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(!channel.isActive)
    #expect(end == "the server does not answer in time")
  }

  @Test func whatIsNotHTTP2IsGivenUp() throws {
    send(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8))
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
    #expect(end != nil)
  }

  @Test func aSilentServerIsPingedWithoutAnyStream() throws {
    begin()
    _ = try sentFrames()
    channel.embeddedEventLoop.advanceTime(by: .seconds(59))
    #expect(try sentFrames() == [])
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(try sentFrames() == [FrameType.ping])
    // Anything that comes is a sign of life.
    channel.embeddedEventLoop.advanceTime(by: .seconds(19))
    send(frameBytes(6, flags: 1, [UInt8](repeating: 0, count: 8)))
    channel.embeddedEventLoop.advanceTime(by: .seconds(59))
    #expect(try sentFrames() == [])
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(try sentFrames() == [FrameType.ping])
    channel.embeddedEventLoop.advanceTime(by: .seconds(20))
    #expect(!channel.isActive)
    #expect(end == "the server does not answer a keepalive ping")
  }

  @Test func aServerThatGoesAwayIsLeftOnceThereAreNoStreams() throws {
    begin()
    send(frameBytes(7, [0, 0, 0, 0, 0, 0, 0, 0] + Array("bye".utf8)))
    #expect(!channel.isActive)
    #expect(end?.contains("the server goes away") == true)
    #expect(end?.contains("bye") == true)
  }

  /// Random frames after a beginning that may be right: the connection ends or stays, and nothing else happens.
  @Test(arguments: 0..<300 as Range<UInt64>)
  func randomFramesHarmNobody(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    if Bool.random(using: &random) { begin() }
    let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
    let stream = try? bound.value.open(ClientRequest(path: "/a/B", timeout: nil))
    channel.embeddedEventLoop.run()
    for _ in 0..<50 where channel.isActive {
      let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let type = UInt8.random(in: 0...11, using: &random)
      let frame = frameBytes(
        type, flags: UInt8.random(in: 0...255, using: &random) & 0x2d,
        stream: [0, 1, 1, 1, 2, 3].randomElement(using: &random) ?? 0, payload,
        length: Int.random(in: 0...20, using: &random) == 0 ? 20_000 : nil)
      send(frame)
    }
    stream?.cancel()
    channel.embeddedEventLoop.run()
    _ = try? channel.finish(acceptAlreadyClosed: true)
    #expect(!bound.value.hasStreams)
  }
}
