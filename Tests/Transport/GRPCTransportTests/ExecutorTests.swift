// Handlers that run next to what writes their bytes.

import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import GRPCTransport

@Suite(.sockets) struct ExecutorTests {
  @Test func aHandlerThatPrefersItRunsOnTheEventLoopAndReturnsFromIt() async throws {
    let places = Mutex<[Bool]>([])
    let note: @Sendable () -> Void = {
      let isOnLoop = MultiThreadedEventLoopGroup.currentEventLoop != nil
      places.withLock { $0.append(isOnLoop) }
    }
    let method = GRPCMethod(path: "/test.Executor/Place") { stream in
      note()
      try await withTaskExecutorPreference(stream.executor) {
        note()
        try await stream.send(ByteBuffer(repeating: 1, count: 3_000_000))
        note()
      }
      note()
      _ = try await stream.nextMessages()
      note()
    }
    try await TestServer.run(methods: [method]) { server in
      let client = try await TestClient(address: server.address)
      let result = try await client.call("/test.Executor/Place")
      #expect(result.messages.map(\.count) == [3_000_000])
      #expect(places.withLock { $0 } == [false, true, true, false, false])
      await client.close()
    }
  }

  @Test func messagesOfAllSizesSentFromTheEventLoopArriveInOrder() async throws {
    let sizes = [0, 1, 100, 8_192, 8_193, 20_000, 65_536, 65_537, 300_000]
    let messages = (0..<60).map { index in
      [UInt8](repeating: UInt8(index), count: sizes[index % sizes.count])
    }
    let method = GRPCMethod(path: "/test.Executor/Sizes") { stream in
      try await withTaskExecutorPreference(stream.executor) {
        for start in stride(from: 0, to: messages.count, by: 7) {
          try await stream.send(
            messages[start..<min(messages.count, start + 7)].map {
              PrefixedMessage(prefix: [7], body: ByteBuffer(bytes: $0))
            })
        }
      }
    }
    try await TestServer.run(methods: [method]) { server in
      let client = try await TestClient(address: server.address)
      let result = try await client.call("/test.Executor/Sizes")
      #expect(result.messages == messages.map { [7] + $0 })
      #expect(result.status == 0)
      await client.close()
    }
  }

  @Test func aHandlerThatSendsWithoutEndLeavesOthersTheirTurn() async throws {
    let isDone = Atomic<Bool>(false)
    let method = GRPCMethod(path: "/test.Executor/Endless") { stream in
      try await withTaskExecutorPreference(stream.executor) {
        let body = ByteBuffer(repeating: 5, count: 100_000)
        while !isDone.load(ordering: .relaxed) { try await stream.send([body, body, body]) }
      }
    }
    try await TestServer.run(methods: [method]) { server in
      // More than there are event loops, and calls on the same connections.
      var clients: [TestClient] = []
      for _ in 0..<4 { clients.append(try await TestClient(address: server.address)) }
      var streams: [ClientStream] = []
      for client in clients {
        streams.append(try await client.open("/test.Executor/Endless", end: true))
      }
      for client in clients {
        for _ in 0..<3 {
          #expect(try await client.call("/test.Echo/Stream", [1, 2, 3]).messages == [[1, 2, 3]])
        }
      }
      isDone.store(true, ordering: .relaxed)
      for stream in streams { #expect(await stream.collect().status == 0) }
      for client in clients { await client.close() }
    }
  }

  @Test func aCallThatEndsWhileItsHandlerIsOnTheEventLoopEndsTheHandler() async throws {
    let failures = Mutex(0)
    let method = GRPCMethod(path: "/test.Executor/Gone") { stream in
      do {
        try await withTaskExecutorPreference(stream.executor) {
          while true { try await stream.send(ByteBuffer(repeating: 5, count: 100_000)) }
        }
      } catch {
        failures.withLock { $0 += 1 }
        throw error
      }
    }
    try await TestServer.run(methods: [method]) { server in
      let client = try await TestClient(address: server.address)
      let reset = try await client.open("/test.Executor/Gone", end: true)
      _ = await reset.collect(bytes: 100_000)
      try await reset.reset()
      try await eventually { failures.withLock { $0 } == 1 }
      let left = try await client.open("/test.Executor/Gone", end: true)
      _ = await left.collect(bytes: 100_000)
      await client.close()
      try await eventually { failures.withLock { $0 } == 2 }
      try await eventually { server.server.registry.handlerCount == 0 }
    }
  }
}
