// A server starts once and stops once.

import NIOCore
import NIOPosix
import Sockets
import TestSupport
import Testing

@Suite(.sockets) struct ServerLifeTests {
  private struct Refusal: Error {}

  private let life = ServerLife(threads: 1)

  private static func listen(_ group: MultiThreadedEventLoopGroup) async throws -> any Channel {
    try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
  }

  @Test func itServesFromTheStartToTheStop() async throws {
    #expect(life.running == nil)
    let running = try await life.start(Self.listen)
    #expect(life.running?.listener === running.listener)
    await #expect(throws: CancellationError.self) { try await life.start(Self.listen) }
    let stopped = await life.stop()
    #expect(stopped?.listener === running.listener)
    #expect(!running.listener.isActive)
    #expect(await life.stop() == nil)
    await #expect(throws: CancellationError.self) { try await life.start(Self.listen) }
    try await running.group.shutdownGracefully()
  }

  @Test func aStartThatFailsIsTheEnd() async throws {
    await #expect(throws: Refusal.self) { try await life.start { _ in throw Refusal() } }
    await #expect(throws: CancellationError.self) { try await life.start(Self.listen) }
  }

  @Test func aStopWhileItStartsWins() async throws {
    await #expect(throws: CancellationError.self) {
      try await life.start { group in
        let listener = try await Self.listen(group)
        #expect(await life.stop() == nil)
        return listener
      }
    }
    #expect(life.running == nil)
  }
}
