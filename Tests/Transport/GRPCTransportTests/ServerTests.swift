// The server over real sockets: calls, refusals, limits, back-pressure, deadlines.

import NIOCore
import NIOHTTP2
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import GRPCTransport

@Suite(.sockets) struct ServerTests {
  @Test func messagesAreEchoedInOrder() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Echo/Stream")
      for index in 0..<200 {
        stream.queueRaw(framed([UInt8](repeating: UInt8(index), count: index)))
      }
      try await stream.sendRaw([], end: true)
      let result = await stream.collect()
      #expect(result.headers[":status"] == "200")
      #expect(result.headers["content-type"] == "application/grpc")
      #expect(result.messages == (0..<200).map { [UInt8](repeating: UInt8($0), count: $0) })
      #expect(result.status == 0)
      #expect(result.reset == nil)
      await client.close()
    }
  }

  @Test func messagesMayBeSplitOverFrames() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Echo/Stream")
      for byte in framed(Array(0..<50)) + framed([1]) { stream.queueRaw([byte]) }
      try await stream.sendRaw([], end: true)
      #expect(await stream.collect().messages == [Array(0..<50), [1]])
      await client.close()
    }
  }

  @Test func aMessageLargerThanAllWindowsGoesThroughBothWays() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let message = (0..<12_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let result = try await client.call("/test.Echo/Stream", message)
      #expect(result.messages == [message])
      #expect(result.status == 0)
      await client.close()
      try await eventually { server.server.budget.usage == (0, 0) }
    }
  }

  @Test func unknownMethodsAndServicesAreUnimplemented() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let method = try await client.call("/test.Echo/Nope")
      #expect(method.status == 12)
      #expect(method.trailers[":status"] == "200")
      #expect(method.message == "unknown method Nope for service test.Echo")
      let service = try await client.call("/nope/Nope")
      #expect(service.message == "unknown service nope")
      await client.close()
    }
  }

  @Test func requestsThatAreNotGRPCGetAnHTTPStatus() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let text = try await client.open("/test.Echo/Stream", contentType: "text/plain", end: true)
      #expect(await text.collect().trailers[":status"] == "415")
      let put = try await client.open("/test.Echo/Stream", method: "PUT", end: true)
      #expect(await put.collect().trailers[":status"] == "405")
      await client.close()
    }
  }

  @Test func aRefusedCallThatGoesOnSendingIsReset() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/nope/Nope")
      let result = await stream.collect()
      #expect(result.status == 12)
      #expect(result.reset == 0)
      await client.close()
    }
  }

  @Test func aHandlersStatusArrives() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let result = try await client.call("/test.Echo/Fail")
      #expect(result.status == 9)
      #expect(result.message == "no: 100%25")
      await client.close()
    }
  }

  @Test func anOversizeMessageEndsItsStreamOnly() async throws {
    try await TestServer.run(limits: .with { $0.http2.maximumReceiveMessageBytes = 1000 }) {
      server in
      let client = try await TestClient(address: server.address)
      let other = try await client.open("/test.Echo/Stream")
      try await other.send([1])
      let stream = try await client.open("/test.Echo/Stream")
      stream.queueRaw(framed([5]) + framed([UInt8](repeating: 0, count: 1001)))
      let result = await stream.collect()
      #expect(result.messages == [[5]])
      #expect(result.status == 8)
      #expect(result.message == "grpc: received message larger than max (1001 vs. 1000)")
      try await other.send([2], end: true)
      #expect(await other.collect().messages == [[1], [2]])
      await client.close()
    }
  }

  @Test func aTooLargeAnswerIsRefusedToTheHandler() async throws {
    try await TestServer.run(limits: .with { $0.http2.maximumSendMessageBytes = 1000 }) { server in
      let client = try await TestClient(address: server.address)
      let result = try await client.call("/test.Echo/Large", Array("1001".utf8))
      #expect(result.status == 8)
      #expect(result.message == "grpc: trying to send message larger than max (1001 vs. 1000)")
      await client.close()
    }
  }

  @Test func compressedMessagesAreRefused() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let flagged = try await client.open("/test.Echo/Stream")
      flagged.queueRaw([1, 0, 0, 0, 1, 0])
      #expect(await flagged.collect().status == 13)
      let encoded = try await client.open(
        "/test.Echo/Stream", headers: [("grpc-encoding", "gzip")])
      let result = await encoded.collect()
      #expect(result.status == 12)
      #expect(
        result.message == "grpc: Decompressor is not installed for grpc-encoding \"gzip\"")
      await client.close()
    }
  }

  @Test func halfCloseWithinAMessageIsAnError() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Echo/Stream")
      try await stream.sendRaw(framed([1]) + [0, 0, 0, 0, 9, 1], end: true)
      let result = await stream.collect()
      #expect(result.messages == [[1]])
      #expect(result.status == 13)
      #expect(result.message == "unexpected EOF")
      await client.close()
    }
  }

  @Test func theDeadlineEndsAStream() async throws {
    let seen = Mutex<GRPCStatus?>(nil)
    let waiting = GRPCMethod(path: "/test.Wait/Wait") { stream in
      do {
        _ = try await stream.nextMessages()
      } catch {
        seen.withLock { $0 = error as? GRPCStatus }
        throw error
      }
    }
    try await TestServer.run(methods: [waiting]) { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Wait/Wait", headers: [("grpc-timeout", "50m")])
      let result = await stream.collect()
      #expect(result.status == 4)
      #expect(result.message == "context deadline exceeded")
      try await eventually { server.server.registry.handlerCount == 0 }
      #expect(seen.withLock { $0 } == .deadlineExceeded)
      await client.close()
    }
  }

  @Test func aResetCancelsTheHandler() async throws {
    let ends = Mutex<[GRPCStatus]>([])
    let waiting = GRPCMethod(path: "/test.Wait/Wait") { stream in
      await stream.closed()
      do {
        _ = try await stream.nextMessages()
      } catch {
        ends.withLock { $0.append(GRPCStatus(thrown: error)) }
      }
    }
    try await TestServer.run(methods: [waiting]) { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Wait/Wait")
      try await stream.send([1])
      try await eventually { server.server.registry.handlerCount == 1 }
      try await stream.reset()
      try await eventually { ends.withLock { $0.count } == 1 }
      let lost = try await client.open("/test.Wait/Wait")
      try await lost.send([1])
      try await eventually { server.server.registry.handlerCount == 1 }
      await client.close()
      try await eventually { ends.withLock { $0 } == [.cancelled, .cancelled] }
      try await eventually { server.server.budget.usage == (0, 0) }
    }
  }

  @Test func aSlowReaderHoldsBackItsOwnStreamOnly() async throws {
    let sent = Atomic<Int>(0)
    let flood = GRPCMethod(path: "/test.Flood/Flood") { stream in
      for _ in 0..<2000 {
        try await stream.send(ByteBuffer(repeating: 1, count: 10_000))
        sent.add(1, ordering: .relaxed)
      }
    }
    try await TestServer.run(methods: [flood]) { server in
      let client = try await TestClient(address: server.address, streamWindow: 1 << 20)
      let slow = try await client.open("/test.Flood/Flood", end: true, autoRead: false)
      try await eventually { sent.load(ordering: .relaxed) > 50 }
      let first = await settled { sent.load(ordering: .relaxed) }
      // The client's window and the stream's watermark, in messages, with room for what is under
      // way.
      #expect(first > 50 && first < 200)
      let other = try await client.call("/test.Echo/Stream", [UInt8](repeating: 3, count: 500_000))
      #expect(other.status == 0)
      #expect(other.messages.first?.count == 500_000)
      #expect(sent.load(ordering: .relaxed) < 200)
      try await slow.channel.setOption(.autoRead, value: true).get()
      slow.channel.read()
      let result = await slow.collect()
      #expect(result.data.count == 2000 * 10_005)
      #expect(result.status == 0)
      await client.close()
    }
  }

  @Test func aSlowHandlerHoldsBackItsOwnStreamOnly() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let slow = GRPCMethod(path: "/test.Slow/Slow") { stream in
      for await _ in gate { break }
      var total = 0
      while let messages = try await stream.nextMessages() {
        total += messages.reduce(0) { $0 + $1.count }
      }
      try await stream.send(ByteBuffer(string: "\(total)"))
    }
    try await TestServer.run(methods: [slow]) { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Slow/Slow")
      let written = Atomic<Int>(0)
      let writer = Task {
        for index in 0..<1000 {
          try await stream.send([UInt8](repeating: 0, count: 10_000), end: index == 999)
          written.add(1, ordering: .relaxed)
        }
      }
      try await eventually { written.load(ordering: .relaxed) > 90 }
      let first = await settled { written.load(ordering: .relaxed) }
      #expect(first > 90 && first <= 105)
      // The window, and what is reserved for the message that is arriving.
      #expect(server.server.budget.usage.buffered <= 1 << 20 + 10_000)
      #expect(try await client.call("/test.Echo/Stream", [1]).status == 0)
      #expect(written.load(ordering: .relaxed) <= 105)
      open.yield()
      try await writer.value
      #expect(await stream.collect().messages == [Array("10000000".utf8)])
      await client.close()
    }
  }

  @Test func theSharedBufferBoundEndsAStream() async throws {
    let idle = GRPCMethod(path: "/test.Idle/Idle") { stream in await stream.closed() }
    try await TestServer.run(
      methods: [idle], limits: .with { $0.http2.maximumBufferedBytesTotal = 100_000 }
    ) { server in
      let client = try await TestClient(address: server.address)
      let stream = try await client.open("/test.Idle/Idle")
      for _ in 0..<20 { stream.queueRaw(framed([UInt8](repeating: 0, count: 10_000))) }
      #expect(await stream.collect().status == 8)
      try await eventually { server.server.budget.usage == (0, 0) }
      #expect(try await client.call("/test.Echo/Stream", [1]).status == 0)
      await client.close()
    }
  }

  @Test func streamsBeyondTheWindowBudgetStillWork() async throws {
    try await TestServer.run(limits: .with { $0.http2.maximumWindowBytesTotal = 0 }) { server in
      let client = try await TestClient(address: server.address)
      let message = [UInt8](repeating: 4, count: 1_000_000)
      #expect(try await client.call("/test.Echo/Stream", message).messages == [message])
      await client.close()
    }
  }

  @Test func manyStreamsOfOneConnectionRunAtOnce() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<90 {
          group.addTask {
            let message = [UInt8](repeating: UInt8(index), count: 5000)
            let stream = try await client.open("/test.Echo/Stream")
            for round in 0..<20 { try await stream.send(message, end: round == 19) }
            let result = await stream.collect()
            return result.messages == [[UInt8]](repeating: message, count: 20)
          }
        }
        for try await isEqual in group { #expect(isEqual) }
      }
      await client.close()
    }
  }

  @Test func resetStreamsWithDataUnderWayDoNotHarmTheConnection() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      for _ in 0..<10 {
        var streams: [ClientStream] = []
        for _ in 0..<90 {
          let stream = try await client.open("/test.Echo/Fail")
          for _ in 0..<5 { stream.queueRaw(framed([UInt8](repeating: 0, count: 2000))) }
          streams.append(stream)
        }
        for stream in streams { #expect(await stream.collect().status == 9) }
      }
      #expect(try await client.call("/test.Echo/Stream", [1]).status == 0)
      await client.close()
    }
  }

  @Test func clientsMayCancelManyStreams() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      for _ in 0..<1000 {
        let stream = try await client.open("/test.Echo/Stream")
        try await stream.reset()
      }
      #expect(try await client.call("/test.Echo/Stream", [1]).status == 0)
      try await eventually { server.server.registry.handlerCount == 0 }
      await client.close()
    }
  }

  @Test func handlersThatIgnoreTheirCancellationAreBounded() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let stuck = GRPCMethod(path: "/test.Stuck/Stuck") { _ in
      // An unstructured task does not inherit the cancellation.
      await Task { for await _ in gate { break } }.value
    }
    try await TestServer.run(
      methods: [stuck], limits: .with { $0.http2.maximumConcurrentStreams = 3 }
    ) { server in
      let client = try await TestClient(address: server.address)
      for count in 1...3 {
        let stream = try await client.open("/test.Stuck/Stuck")
        try await eventually { server.server.registry.handlerCount == count }
        try await stream.reset()
      }
      let refused = try await client.open("/test.Stuck/Stuck")
      #expect(await refused.collect().reset == 7)
      for _ in 0..<3 { open.yield() }
      open.finish()
      try await eventually { server.server.registry.handlerCount == 0 }
      await client.close()
    }
  }

  @Test func theObserverSeesWhatHappens() async throws {
    final class Recorder: GRPCServerObserver {
      let events = Mutex<[String]>([])
      func add(_ event: String) { events.withLock { $0.append(event) } }
      func connectionOpened(remoteAddress: String) { add("opened") }
      func connectionClosed(remoteAddress: String) { add("closed") }
      func streamOpened(_ call: GRPCCall) { add("stream \(call.service) \(call.method)") }
      func messagesReceived(_ call: GRPCCall, count: Int, bytes: Int) {
        add("received \(count) \(bytes)")
      }
      func messagesSent(_ call: GRPCCall, count: Int, bytes: Int) { add("sent \(count) \(bytes)") }
      func streamClosed(_ call: GRPCCall, status: GRPCStatus, duration: Duration) {
        add("end \(status.code.name) \(duration)")
      }
    }
    let recorder = Recorder()
    try await TestServer.run(observer: recorder) { server in
      let client = try await TestClient(address: server.address)
      _ = try await client.call("/test.Echo/Stream", [1, 2, 3])
      await client.close()
      try await eventually { recorder.events.withLock { $0.last } == "closed" }
      #expect(
        Set(recorder.events.withLock { $0 }) == [
          "opened", "stream test.Echo Stream", "received 1 3", "sent 1 3",
          "end OK \(Duration.zero)", "closed",
        ])
    }
  }

  @Test func healthIsReported() async throws {
    try await TestServer.run { server in
      let client = try await TestClient(address: server.address)
      let path = "/grpc.health.v1.Health/Check"
      #expect(try await client.call(path).messages == [[8, 1]])
      let name = Array("test.Echo".utf8)
      #expect(
        try await client.call(path, [0x0a, UInt8(name.count)] + name).messages == [[8, 1]])
      let unknown = try await client.call(path, [0x0a, 1, 0x78])
      #expect(unknown.status == 5)
      #expect(unknown.message == "unknown service")
      let watch = try await client.open("/grpc.health.v1.Health/Watch")
      try await watch.send([], end: true)
      #expect(await watch.collect(bytes: 7).messages == [[8, 1]])
      await client.close()
    }
  }
}
