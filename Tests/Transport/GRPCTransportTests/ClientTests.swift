// The client against our own server: calls, statuses, back-pressure both ways, deadlines, closing.

import Concurrency
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import GRPCTransport

extension GRPCClientConfiguration {
  /// With times that no busy machine can exceed.
  static func patient(_ change: (inout HTTP2Limits) -> Void = { _ in })
    -> GRPCClientConfiguration
  {
    var limits = HTTP2Limits()
    change(&limits)
    return GRPCClientConfiguration(
      dialTimeout: .seconds(3600),
      keepalive: GRPCClientKeepalive(interval: .seconds(3600), timeout: .seconds(3600)),
      limits: limits)
  }
}

/// Runs `body` with a connection to a server, then closes it.
func withClient(
  to address: String, tls: GRPCClientTLS? = nil,
  configuration: GRPCClientConfiguration = .patient(),
  _ body: (GRPCClient, GRPCClientConnection) async throws -> Void
) async throws {
  let client = GRPCClient(configuration: configuration, logger: TestLog().logger)
  let (host, port) = split(address)
  do {
    let connection = try await client.connect(to: host, port: port, tls: tls)
    try await body(client, connection)
    connection.close()
    _ = await connection.closed()
  } catch {
    await client.shutdown()
    throw error
  }
  await client.shutdown()
}

@Suite(.sockets) struct ClientTests {
  @Test func messagesComeBackInOrder() async throws {
    try await TestServer.run { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Stream")
        let messages = (0..<200).map { [UInt8](repeating: UInt8($0), count: $0) }
        for message in messages.prefix(50) { try await stream.send(ByteBuffer(bytes: message)) }
        try await stream.send(messages.dropFirst(50).map { ByteBuffer(bytes: $0) })
        stream.finishSending()
        var echoed: [[UInt8]] = []
        while let message = try await stream.receive() { echoed.append(message) }
        #expect(echoed == messages)
        #expect(try await stream.receive() == nil)
      }
    }
  }

  @Test func messagesLargerThanAllWindowsGoThroughBothWays() async throws {
    try await TestServer.run { server in
      try await withClient(to: server.address) { client, connection in
        let message = (0..<12_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let stream = try await connection.openStream("/test.Echo/Stream")
        for _ in 0..<3 { try await stream.send(ByteBuffer(bytes: message)) }
        stream.finishSending()
        for _ in 0..<3 { #expect(try await stream.receive() == message) }
        #expect(await stream.ended() == .ok)
        try await eventually { client.budget.usage == (0, 0) }
      }
    }
  }

  @Test func theServersStatusIsThrownBehindItsMessages() async throws {
    let fails = GRPCMethod(path: "/test.Echo/Late") { stream in
      try await stream.send([ByteBuffer(bytes: [1]), ByteBuffer(bytes: [2])])
      throw GRPCStatus(.failedPrecondition, "nö: 100%")
    }
    try await TestServer.run(methods: [fails]) { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Late")
        #expect(try await stream.receive() == [1])
        #expect(try await stream.receive() == [2])
        let status = GRPCStatus(.failedPrecondition, "nö: 100%")
        #expect(await stream.ended() == status)
        await #expect(throws: status) { try await stream.send(ByteBuffer(bytes: [3])) }
        let unknown = try await connection.openStream("/test.Echo/Nope")
        #expect(
          await unknown.ended()
            == GRPCStatus(.unimplemented, "unknown method Nope for service test.Echo"))
        #expect(connection.isUsable)
      }
    }
  }

  @Test func aSlowReaderStopsItsServer() async throws {
    let sent = Atomic<Int>(0)
    let counter = Box(sent: sent)
    let endless = GRPCMethod(path: "/test.Echo/Endless") { stream in
      while true {
        try await stream.send(ByteBuffer(repeating: 1, count: 10_000))
        counter.sent.add(10_000, ordering: .relaxed)
      }
    }
    try await TestServer.run(methods: [endless]) { server in
      try await withClient(to: server.address) { client, connection in
        let stream = try await connection.openStream("/test.Echo/Endless")
        _ = await settled { counter.sent.load(ordering: .relaxed) }
        // The window, what the server's buffers and the sockets' hold, and a little.
        #expect(client.budget.usage.buffered < 1_200_000)
        for _ in 0..<1000 { #expect(try await stream.receive()?.count == 10_000) }
        #expect(client.budget.usage.buffered < 1_200_000)
        stream.cancel()
        #expect(await stream.ended() == .cancelled)
        try await eventually { client.budget.usage == (0, 0) }
      }
    }
  }

  private final class Box: Sendable {
    let sent: Atomic<Int>
    init(sent: consuming Atomic<Int>) { self.sent = sent }
  }

  @Test func whatASlowServerDoesNotReadHoldsBackWhoSends() async throws {
    let gate = Watched(false)
    let lazy = GRPCMethod(path: "/test.Echo/Lazy") { stream in
      await gate.wait { $0 ? () : nil }
      var count = 0
      while let messages = try await stream.nextMessages() {
        count += messages.reduce(0) { $0 + $1.count }
      }
      try await stream.send(ByteBuffer(string: "\(count)"))
    }
    try await TestServer.run(methods: [lazy]) { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Lazy")
        let message = PrefixedMessage(prefix: [1], body: ByteBuffer(repeating: 1, count: 9_999))
        let sent = Watched(0)
        let sender = Task {
          for _ in 0..<2_000 {
            try await stream.send([message])
            sent.change { $0 += 1 }
          }
          stream.finishSending()
        }
        // What is under way gets to the server meanwhile, so one look says little.
        var (last, looks) = (0, 0)
        while looks < 100 {
          await Task.yield()
          let count = sent.read { $0 }
          looks = count == last && count > 0 ? looks + 1 : 0
          last = count
        }
        #expect(last < 2_000)
        gate.change { $0 = true }
        try await sender.value
        #expect(try await stream.receive() == Array("\(2_000 * 10_000)".utf8))
        #expect(await stream.ended() == .ok)
      }
    }
  }

  @Test func whatIsNotPositiveStandsForItsDefault() async throws {
    var limits = HTTP2Limits()
    limits.maximumReceiveMessageBytes = 0
    limits.maximumSendMessageBytes = -1
    let configuration = GRPCClientConfiguration(
      dialTimeout: .zero, keepalive: GRPCClientKeepalive(interval: .zero, timeout: .seconds(-1)),
      limits: limits)
    let (normalized, defaults) = (configuration.normalized, GRPCClientConfiguration())
    #expect(normalized.dialTimeout == defaults.dialTimeout)
    #expect(normalized.keepalive == defaults.keepalive)
    #expect(normalized.limits == defaults.limits)
    #expect(defaults.limits == HTTP2Limits())
    try await TestServer.run { server in
      // The times of a busy machine, and the sizes that are not positive.
      let patient = GRPCClientConfiguration.patient { $0 = limits }
      try await withClient(to: server.address, configuration: patient) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Stream")
        try await stream.send(ByteBuffer(bytes: [1, 2, 3]))
        #expect(try await stream.receive() == [1, 2, 3])
        stream.cancel()
      }
    }
  }

  @Test func sendingAfterTheEndIsAnError() async throws {
    try await TestServer.run { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Stream")
        stream.finishSending()
        await #expect(throws: GRPCStatus.self) { try await stream.send(ByteBuffer(bytes: [3])) }
        #expect(await stream.ended() == .ok)
      }
    }
  }

  @Test func messagesAboveTheLimitsEndNothingElse() async throws {
    try await TestServer.run { server in
      try await withClient(
        to: server.address,
        configuration: .patient {
          $0.maximumSendMessageBytes = 1000
          $0.maximumReceiveMessageBytes = 2000
        }
      ) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Large")
        await #expect(
          throws: GRPCStatus(
            .resourceExhausted, "grpc: trying to send message larger than max (1001 vs. 1000)")
        ) { try await stream.send(ByteBuffer(repeating: 0, count: 1001)) }
        try await stream.send(ByteBuffer(string: "2001"))
        #expect(
          await stream.ended()
            == GRPCStatus(
              .resourceExhausted, "grpc: received message larger than max (2001 vs. 2000)"))
        let other = try await connection.openStream("/test.Echo/Large")
        try await other.send(ByteBuffer(string: "2000"))
        #expect(try await other.receive()?.count == 2000)
        other.cancel()
      }
    }
  }

  @Test func aDeadlineEndsACall() async throws {
    try await TestServer.run { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream(
          "/test.Echo/Stream", timeout: .milliseconds(20))
        #expect(await stream.ended() == .deadlineExceeded)
        #expect(connection.isUsable)
      }
    }
  }

  @Test func cancellingAStreamTellsTheServer() async throws {
    let ended = Watched(false)
    let waits = GRPCMethod(path: "/test.Echo/Wait") { stream in
      try await stream.send(ByteBuffer(bytes: [1]))
      defer { ended.change { $0 = true } }
      _ = try await stream.nextMessages()
    }
    try await TestServer.run(methods: [waits]) { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Wait")
        #expect(try await stream.receive() == [1])
        stream.cancel()
        stream.cancel()
        await ended.wait { $0 ? () : nil }
        await #expect(throws: GRPCStatus.cancelled) { try await stream.receive() }
      }
    }
  }

  @Test func aCancelledTaskStopsWaitingAndLeavesTheStream() async throws {
    try await TestServer.run { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Stream")
        let reader = Task { try await stream.receive() }
        reader.cancel()
        await #expect(throws: GRPCStatus.cancelled) { try await reader.value }
        try await stream.send(ByteBuffer(bytes: [1]))
        #expect(try await stream.receive() == [1])
        stream.cancel()
      }
    }
  }

  @Test func aServersShutdownIsAnEvent() async throws {
    try await TestServer.run { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Stream")
        try await stream.send(ByteBuffer(bytes: [1]))
        #expect(try await stream.receive() == [1])
        let stopping = Task { await server.server.shutdown(grace: .seconds(3600)) }
        let reason = await connection.gone()
        #expect(reason.code == .unavailable)
        #expect(reason.message.contains("graceful_stop"))
        #expect(!connection.isUsable)
        await #expect(throws: reason) { try await connection.openStream("/test.Echo/Stream") }
        // The stream goes on to its end, and then the connection closes.
        try await stream.send(ByteBuffer(bytes: [2]))
        #expect(try await stream.receive() == [2])
        stream.finishSending()
        #expect(await stream.ended() == .ok)
        #expect(await connection.closed().code == .unavailable)
        await stopping.value
      }
    }
  }

  @Test func closingEndsTheStreams() async throws {
    try await TestServer.run { server in
      try await withClient(to: server.address) { _, connection in
        let stream = try await connection.openStream("/test.Echo/Stream")
        let reader = Task { await stream.ended() }
        connection.close()
        #expect(await reader.value == .cancelled)
        #expect(await connection.gone() == .cancelled)
        await #expect(throws: GRPCStatus.cancelled) {
          try await connection.openStream("/test.Echo/Stream")
        }
      }
    }
  }

  @Test func streamsOfAConnectionAreBounded() async throws {
    try await TestServer.run { server in
      try await withClient(
        to: server.address, configuration: .patient { $0.maximumConcurrentStreams = 3 }
      ) { _, connection in
        var streams: [GRPCClientStream] = []
        for _ in 0..<3 { streams.append(try await connection.openStream("/test.Echo/Stream")) }
        let error = await #expect(throws: GRPCStatus.self) {
          try await connection.openStream("/test.Echo/Stream")
        }
        #expect(error?.code == .resourceExhausted)
        for stream in streams { stream.cancel() }
        let next = try await connection.openStream("/test.Echo/Stream")
        next.cancel()
      }
    }
  }

  @Test func streamsBeyondTheServersLimitWait() async throws {
    try await TestServer.run(limits: .with { $0.http2.maximumConcurrentStreams = 1 }) { server in
      try await withClient(to: server.address) { _, connection in
        let first = try await connection.openStream("/test.Echo/Stream")
        try await first.send(ByteBuffer(bytes: [1]))
        #expect(try await first.receive() == [1])
        let second = try await connection.openStream("/test.Echo/Stream")
        try await second.send(ByteBuffer(bytes: [2]))
        let third = try await connection.openStream("/test.Echo/Stream")
        third.cancel()
        first.finishSending()
        #expect(await first.ended() == .ok)
        #expect(try await second.receive() == [2])
        second.cancel()
      }
    }
  }

  @Test func nobodyListening() async throws {
    let client = GRPCClient(configuration: .patient(), logger: TestLog().logger)
    let error = await #expect(throws: GRPCDialError.self) {
      // A port that is reserved and not used.
      try await client.connect(to: "127.0.0.1", port: 1, tls: nil)
    }
    #expect(error == .unreachable("dial tcp: connect: connection refused"))
    await client.shutdown()
  }

  /// What a channel's configuration may say of a node.
  @Test func addressesThatAreNoneHarmNobody() async throws {
    let client = GRPCClient(configuration: .patient(), logger: TestLog().logger)
    let tls = GRPCClientTLS { _, _ in nil }
    let hosts = [
      "", "a\u{0}b", String(repeating: "x", count: 300), "no such host", "[::1]", "::1%", "*",
    ]
    for host in hosts {
      for tls in [nil, tls] {
        await #expect(throws: GRPCDialError.self) {
          try await client.connect(to: host, port: 1, tls: tls)
        }
      }
    }
    for port in [0, -1, 65_536, 70_000, 4_294_967_295, .max] {
      await #expect(throws: GRPCDialError.self) {
        try await client.connect(to: "127.0.0.1", port: port, tls: nil)
      }
    }
    await client.shutdown()
  }
}
