// How long a client may take, on a clock that only the test moves.

import Concurrency
import Logging
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import HTTPTransport

@Suite struct SlowClientTests {
  private let channel = EmbeddedChannel()
  private let environment: HTTPServerEnvironment

  init() throws {
    var limits = HTTPServerLimits()
    limits.readTimeout = .seconds(10)
    environment = HTTPServerEnvironment(
      limits: limits, isEncrypted: false, time: ManualTime(), logger: TestLog().logger)
    try environment.router.register(
      HTTPRoute(path: "/echo", access: .open) { _ in .text("") })
    try HTTPServer.configure(channel, environment: environment, tls: nil)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  private func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

  /// Lets seconds pass, and sends one more byte in each.
  private func drip(_ seconds: Int) throws {
    for _ in 0..<seconds {
      try send("a")
      channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    }
  }

  /// Everything that was sent to the client so far.
  private func answer() throws -> String {
    var text = ""
    while case .byteBuffer(let buffer) = try channel.readOutbound(as: IOData.self) {
      text += String(buffer: buffer)
    }
    return text
  }

  @Test func aClientThatSendsNothingIsClosedOnceTheTimeIsUp() throws {
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(9_999))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(!channel.isActive)
    #expect(try answer().isEmpty)
  }

  @Test func aHeadThatDoesNotEndIsClosedHoweverManyBytesCome() throws {
    try send("GET /echo HTTP/1.1\r\nHost:")
    try drip(9)
    #expect(channel.isActive)
    try drip(1)
    #expect(!channel.isActive)
    #expect(try answer().isEmpty)
  }

  @Test func aBodyHasItsOwnTimeAndThenGets408() throws {
    channel.embeddedEventLoop.advanceTime(by: .seconds(5))
    try send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
    try drip(9)
    #expect(try answer().isEmpty)
    try drip(1)
    #expect(try answer().hasPrefix("HTTP/1.1 408 "))
    // What it still sends is thrown away for a moment, so that the answer reaches it.
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: HTTPConnection.lingeringTime)
    #expect(!channel.isActive)
  }
}
