// A client that sends any bytes and keeps what comes back.

import Concurrency
import NIOCore
import NIOPosix
import NIOSSL
import Sockets

/// What came is not a response, or not the expected one.
package struct NoAnswer: Error {
  package let received: String
}

/// One connection.
package final class Wire: Sendable {
  package static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
  /// Longer than any test waits; only a peer that never answers takes it.
  private static let connectTimeout = TimeAmount.hours(1)

  private struct Received {
    var bytes: [UInt8] = []
    var isClosed = false

    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let received = Watched(Received())

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let buffer = unwrapInboundIn(data)
      received.change { $0.bytes.append(contentsOf: buffer.readableBytesView) }
    }

    func channelInactive(context: ChannelHandlerContext) { received.change { $0.isClosed = true } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }

  package let channel: any Channel
  private let collector: Collector

  /// - Parameter address: `host:port`
  package init(
    _ address: String, tls: NIOSSLContext? = nil, readsNothing: Bool = false
  ) async throws {
    let collector = Collector()
    self.collector = collector
    let target = try NetworkAddress(address)
    channel = try await ClientBootstrap(group: Self.group)
      .connectTimeout(Self.connectTimeout)
      .channelOption(.autoRead, value: !readsNothing)
      .channelOption(.socketOption(.so_rcvbuf), value: readsNothing ? 4096 : 1 << 20)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            try channel.pipeline.syncOperations.addHandler(
              try NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          }
          try channel.pipeline.syncOperations.addHandler(collector)
        }
      }
      .connect(host: target.hostToDial, port: target.port).get()
  }

  package var received: String { collector.received.read { $0.text } }
  package var isOpen: Bool { channel.isActive }

  package func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  package func close() async { try? await channel.close() }

  /// Everything that came until the server closed.
  package func untilClosed() async throws -> String {
    await collector.received.wait { $0.isClosed ? $0.text : nil }
  }

  /// Waits until this has come.
  ///
  /// - Throws: ``NoAnswer`` if the server closes before.
  package func until(_ text: String) async throws {
    let hasCome: Bool = await collector.received.wait { received in
      received.text.contains(text) ? true : received.isClosed ? false : nil
    }
    if !hasCome { throw NoAnswer(received: received) }
  }
}
