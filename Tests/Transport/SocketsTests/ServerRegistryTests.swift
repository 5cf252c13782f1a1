// What a server counts, and how it waits for the end.

import Concurrency
import NIOEmbedded
import Testing

@testable import Sockets

@Suite struct ServerRegistryTests {
  private let registry = ServerRegistry(maximumConnections: 2, maximumHandlers: 2)
  private let time = ManualTime()

  @Test func connectionsAreBoundedUntilTheyClose() throws {
    let channels = (0..<3).map { _ in EmbeddedChannel() }
    #expect(channels.map(registry.admission) == [.admitted(count: 1), .admitted(count: 2), .full])
    try channels[0].close().wait()
    channels[0].embeddedEventLoop.run()
    #expect(registry.connectionCount == 1)
    #expect(registry.admission(of: channels[2]) == .admitted(count: 2))
  }

  @Test func afterTheEndNoConnectionComesIn() {
    #expect(registry.admission(of: EmbeddedChannel()) == .admitted(count: 1))
    #expect(registry.stopAccepting().count == 1)
    #expect(registry.admission(of: EmbeddedChannel()) == .stopping)
  }

  @Test func handlersAreBounded() {
    #expect((0..<3).map { _ in registry.handlerStarted() } == [true, true, false])
    registry.handlerEnded()
    #expect(registry.handlerStarted())
    #expect(registry.handlerCount == 2)
  }

  @Test func whatHoldsAlreadyIsNotWaitedFor() async {
    #expect(await registry.wait(for: .noConnections, atMost: .zero, on: time))
    #expect(await registry.wait(for: .noHandlers, atMost: .zero, on: time))
  }

  @Test func theWaitEndsWithTheLastHandler() async {
    _ = registry.handlerStarted()
    _ = registry.handlerStarted()
    async let isOver = registry.wait(for: .noHandlers, atMost: .seconds(1), on: time)
    await time.waitForSleepers(1)
    registry.handlerEnded()
    registry.handlerEnded()
    #expect(await isOver)
  }

  @Test func theWaitEndsWithItsTime() async {
    _ = registry.handlerStarted()
    async let isOver = registry.wait(for: .noHandlers, atMost: .seconds(1), on: time)
    await time.waitForSleepers(1)
    time.advance(by: .seconds(1))
    #expect(await !isOver)
  }

  @Test func aTimeThatIsUpBeforeTheWaitBeginsEndsIt() async {
    _ = registry.handlerStarted()
    for _ in 0..<1000 {
      #expect(await !registry.wait(for: .noHandlers, atMost: .zero, on: time))
    }
  }
}
