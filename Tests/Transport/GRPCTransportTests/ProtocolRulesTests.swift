// Headers, timeouts, statuses, pings and health requests, without a network.

import NIOCore
import NIOHPACK
import Testing

@testable import GRPCTransport

@Suite struct RequestHeadTests {
  private func headers(_ changes: [String: String?] = [:]) -> HPACKHeaders {
    var fields: [String: String] = [
      ":method": "POST", ":path": "/a.B/C", "content-type": "application/grpc", "te": "trailers",
    ]
    for (name, value) in changes { fields[name] = value }
    return HPACKHeaders(fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  @Test func aPlainRequestIsAccepted() throws {
    let head = try RequestHead(headers())
    #expect(head.path == "/a.B/C")
    #expect(head.timeout == nil)
  }

  @Test(arguments: ["application/grpc+proto", "application/grpc;charset=utf-8"])
  func contentSubtypesAreAccepted(type: String) throws {
    _ = try RequestHead(headers(["content-type": type]))
  }

  @Test func theTrailersHeaderIsNotInsistedOn() throws {
    _ = try RequestHead(headers(["te": nil]))
  }

  @Test(arguments: ["text/plain", "application/grpcx", ""])
  func otherContentTypesAreRefused(type: String) {
    #expect(
      throws: RequestHead.Refusal(
        httpStatus: 415,
        status: GRPCStatus(.invalidArgument, "invalid gRPC request content-type \"\(type)\""))
    ) { try RequestHead(headers(["content-type": type])) }
  }

  @Test func otherMethodsAreRefused() {
    #expect(
      throws: RequestHead.Refusal(
        httpStatus: 405,
        status: GRPCStatus(
          .internalError, "Received a HEADERS frame with :method \"GET\" which should be POST"))
    ) { try RequestHead(headers([":method": "GET"])) }
  }

  @Test func encodingsAreRefused() {
    #expect(
      throws: RequestHead.Refusal(
        httpStatus: 200,
        status: GRPCStatus(
          .unimplemented, "grpc: Decompressor is not installed for grpc-encoding \"gzip\""))
    ) { try RequestHead(headers(["grpc-encoding": "gzip"])) }
  }

  @Test func theIdentityEncodingIsAccepted() throws {
    _ = try RequestHead(headers(["grpc-encoding": "identity"]))
  }

  @Test func aMalformedTimeoutIsRefused() throws {
    let refusal = try #require(throws: RequestHead.Refusal.self) {
      try RequestHead(headers(["grpc-timeout": "5x"]))
    }
    #expect(refusal.httpStatus == 400)
    #expect(refusal.status.code == .internalError)
  }

  @Test func aZeroTimeoutHasPassed() {
    #expect(throws: RequestHead.Refusal(httpStatus: 200, status: .deadlineExceeded)) {
      try RequestHead(headers(["grpc-timeout": "0m"]))
    }
  }

  @Test(arguments: [
    ("1H", Duration.seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)),
    ("4m", .milliseconds(4)), ("5u", .microseconds(5)), ("6n", .nanoseconds(6)),
    ("99999999H", .seconds(99_999_999 * 3600)),
  ])
  func timeoutsAreParsed(text: String, duration: Duration) throws {
    #expect(try GRPCTimeout.parse(text) == duration)
  }

  @Test(arguments: ["", "S", "1", "123456789S", "-1S", "+1S", "1.5S", "1s", "١S"])
  func otherTimeoutsAreMalformed(text: String) {
    #expect(throws: GRPCTimeout.Malformed.self) { try GRPCTimeout.parse(text) }
  }
}

@Suite struct GRPCStatusTests {
  @Test func messagesArePercentEncoded() {
    #expect(GRPCStatus(.unknown, "plain text ~").encodedMessage == "plain text ~")
    #expect(GRPCStatus(.unknown, "100%\nü").encodedMessage == "100%25%0A%C3%BC")
  }

  @Test func longMessagesAreCutOff() {
    let plain = GRPCStatus(.unknown, String(repeating: "x", count: 100_000))
    let encoded = GRPCStatus(.unknown, String(repeating: "ü", count: 100_000))
    #expect(plain.encodedMessage.utf8.count <= GRPCStatus.maximumEncodedMessageBytes)
    #expect(encoded.encodedMessage.utf8.count <= GRPCStatus.maximumEncodedMessageBytes)
  }

  @Test func thrownErrorsBecomeStatuses() {
    struct Broken: Error {}
    #expect(GRPCStatus(thrown: GRPCStatus(.notFound, "x")) == GRPCStatus(.notFound, "x"))
    #expect(GRPCStatus(thrown: CancellationError()) == .cancelled)
    #expect(GRPCStatus(thrown: Broken()).code == .internalError)
  }
}

@Suite struct MethodTableTests {
  private let table = MethodTable([GRPCMethod(path: "/a.B/C") { _ in }])

  private func refusal(_ path: String) -> GRPCStatus? {
    guard case .refused(let status) = table.lookup(path) else { return nil }
    return status
  }

  @Test func unknownPathsAreRefusedInTheWordsOfGo() {
    #expect(refusal("/a.B/C") == nil)
    #expect(refusal("/a.B/D") == GRPCStatus(.unimplemented, "unknown method D for service a.B"))
    #expect(refusal("/x/C") == GRPCStatus(.unimplemented, "unknown service x"))
    #expect(refusal("/x/") == GRPCStatus(.unimplemented, "unknown service x"))
    for path in ["", "/", "a.B/C", "/a.B"] {
      #expect(refusal(path)?.message.hasPrefix("malformed method name") == true, "\(path)")
    }
  }
}

@Suite struct PingPolicyTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

  @Test func theThirdEarlyPingIsTooMany() {
    var policy = PingPolicy(minimumInterval: .seconds(60))
    let verdicts = (0..<4).map { index in
      policy.receivedPing(at: start + .seconds(Int64(index)), sentDataOrHeaders: false)
    }
    #expect(verdicts == [.fine, .fine, .fine, .tooManyPings])
  }

  @Test func whatIsSentForgivesPings() {
    var policy = PingPolicy(minimumInterval: .seconds(60))
    for index in 0..<100 {
      let verdict = policy.receivedPing(
        at: start + .milliseconds(Int64(index)), sentDataOrHeaders: index.isMultiple(of: 3))
      #expect(verdict == .fine)
    }
  }

  @Test func pingsAtTheAllowedRateAreFine() {
    var policy = PingPolicy(minimumInterval: .seconds(60))
    for index in 0..<100 {
      let verdict = policy.receivedPing(
        at: start + .seconds(Int64(index) * 60), sentDataOrHeaders: false)
      #expect(verdict == .fine)
    }
  }

  @Test func aSilentClientIsPingedAndThenClosed() {
    var timer = KeepaliveTimer(interval: .seconds(10), timeout: .seconds(2))
    #expect(
      timer.fired(at: start + .seconds(10), lastRead: start + .seconds(4)) == .wait(.seconds(4)))
    #expect(
      timer.fired(at: start + .seconds(14), lastRead: start + .seconds(4)) == .ping(.seconds(2)))
    #expect(timer.fired(at: start + .seconds(16), lastRead: start + .seconds(4)) == .close)
  }

  @Test func aPingMayBeAnsweredLaterThanTheNextOneIsDue() {
    var timer = KeepaliveTimer(interval: .seconds(2), timeout: .seconds(10))
    #expect(timer.fired(at: start + .seconds(2), lastRead: start) == .ping(.seconds(2)))
    for now: Int64 in [4, 6, 8, 10] {
      #expect(timer.fired(at: start + .seconds(now), lastRead: start) == .wait(.seconds(2)))
    }
    #expect(timer.fired(at: start + .seconds(12), lastRead: start) == .close)
  }

  @Test func aLateAnswerDoesNotPutOffTheNextPing() {
    var timer = KeepaliveTimer(interval: .seconds(2), timeout: .seconds(3600))
    #expect(timer.fired(at: start + .seconds(2), lastRead: start) == .ping(.seconds(2)))
    #expect(timer.fired(at: start + .seconds(4), lastRead: start) == .wait(.seconds(2)))
    let answered = start + .seconds(5)
    #expect(timer.fired(at: start + .seconds(6), lastRead: answered) == .wait(.seconds(1)))
    #expect(timer.fired(at: start + .seconds(7), lastRead: answered) == .ping(.seconds(2)))
  }

  @Test func theLastWaitEndsWithTheTimeForAnAnswer() {
    var timer = KeepaliveTimer(interval: .seconds(2), timeout: .seconds(5))
    #expect(timer.fired(at: start + .seconds(2), lastRead: start) == .ping(.seconds(2)))
    #expect(timer.fired(at: start + .seconds(6), lastRead: start) == .wait(.seconds(1)))
    #expect(timer.fired(at: start + .seconds(7), lastRead: start) == .close)
  }

  @Test func aClientThatAnswersStays() {
    var timer = KeepaliveTimer(interval: .seconds(10), timeout: .seconds(2))
    #expect(timer.fired(at: start + .seconds(10), lastRead: start) == .ping(.seconds(2)))
    #expect(
      timer.fired(at: start + .seconds(12), lastRead: start + .seconds(11)) == .wait(.seconds(9)))
    #expect(
      timer.fired(at: start + .seconds(21), lastRead: start + .seconds(11)) == .ping(.seconds(2)))
  }
}

@Suite struct HealthRequestTests {
  @Test func theServiceNameIsFoundAmongOtherFields() {
    #expect(HealthService.serviceName(in: []) == "")
    #expect(HealthService.serviceName(in: [0x0a, 1, 0x61]) == "a")
    #expect(HealthService.serviceName(in: [0x10, 0x80, 0x01, 0x0a, 1, 0x61, 0x1a, 1, 0]) == "a")
  }

  @Test(
    arguments: [
      [0x0a], [0x0a, 2, 0x61], [0x0a, 1, 0xff], [0x10], [0x09], [0x80],
      [UInt8](repeating: 0xff, count: 20),
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ] as [[UInt8]])
  func brokenRequestsAreRecognized(bytes: [UInt8]) {
    #expect(HealthService.serviceName(in: bytes) == nil)
  }
}

@Suite struct StreamStateTests {
  private func burst(_ count: Int, size: Int, partial: Int = 0, received: Int) -> InboundBurst {
    InboundBurst(
      messages: (0..<count).map { _ in [UInt8](repeating: 0, count: size) },
      receivedBytes: received, partialBytes: partial, end: nil)
  }

  @Test func untakenMessagesHoldTheWindow() {
    var state = StreamState(windowBytes: 1000, outboundLimit: 100)
    #expect(state.inbound.deliver(burst(5, size: 95, received: 500)).grant == 0)
    #expect(state.inbound.deliver(burst(5, size: 95, received: 500)).grant == 0)
    guard case .ready(.messages(let messages), let effect) = state.inbound.take() else {
      Issue.record("nothing to take")
      return
    }
    #expect(messages.count == 10)
    #expect(effect.needsGrant)
    #expect(effect.freedBytes == 1000)
    #expect(state.inbound.takeGrant() == 1000)
    #expect(state.inbound.takeGrant() == 0)
  }

  @Test func aMessageLargerThanTheWindowIsGrantedAsItArrives() {
    var state = StreamState(windowBytes: 1000, outboundLimit: 100)
    var granted = 0
    for part in 1...10 {
      let delivery = state.inbound.deliver(burst(0, size: 0, partial: part * 500, received: 500))
      granted += delivery.grant
    }
    #expect(granted == 5000)
    let last = state.inbound.deliver(burst(1, size: 5495, received: 500))
    #expect(last.bufferedChange == 500)
    #expect(last.grant == 0)
    guard case .ready(_, let effect) = state.inbound.take() else { return }
    #expect(effect.freedBytes == 5500)
    #expect(state.inbound.takeGrant() == 500)
  }

  @Test func aHandlerThatLagsStopsThePartialMessageToo() {
    var state = StreamState(windowBytes: 1000, outboundLimit: 100)
    #expect(state.inbound.deliver(burst(1, size: 95, partial: 900, received: 1000)).grant == 0)
    guard case .ready(_, let effect) = state.inbound.take() else { return }
    #expect(effect.needsGrant)
    #expect(state.inbound.takeGrant() == 1000)
  }

  @Test func paddingIsGrantedBack() {
    var state = StreamState(windowBytes: 1000, outboundLimit: 100)
    let delivery = state.inbound.deliver(burst(0, size: 0, received: 256))
    #expect(delivery.grant == 256)
    #expect(delivery.bufferedChange == 0)
  }

  @Test func memoryReservedForAMessageCountsUntilItIsWhole() {
    var state = StreamState(windowBytes: 1000, outboundLimit: 100)
    var first = burst(1, size: 95, partial: 50, received: 150)
    first.spareBytes = 450
    #expect(state.inbound.deliver(first).bufferedChange == 600)
    guard case .ready(_, let effect) = state.inbound.take() else {
      Issue.record("nothing to take")
      return
    }
    #expect(effect.freedBytes == 100)
    var second = burst(0, size: 0, partial: 300, received: 250)
    second.spareBytes = 700
    #expect(state.inbound.deliver(second).bufferedChange == 500)
    // The message is whole, and another one has begun.
    var third = burst(1, size: 395, partial: 20, received: 120)
    third.spareBytes = 80
    #expect(state.inbound.deliver(third).bufferedChange == 120 - 700 + 80)
    #expect(state.end(.cancelled).freedBytes == 500)
  }

  @Test func endingFreesWhatIsBuffered() {
    var state = StreamState(windowBytes: 1000, outboundLimit: 100)
    _ = state.inbound.deliver(burst(2, size: 95, partial: 50, received: 250))
    #expect(state.end(.cancelled).freedBytes == 250)
    #expect(state.end(.cancelled).freedBytes == 0)
    guard case .ready(.failed(.cancelled), _) = state.inbound.take() else {
      Issue.record("an ended stream must say so")
      return
    }
    guard case .ended(.cancelled) = state.outbound.enqueue([ByteBuffer()], bytes: 0) else {
      Issue.record("an ended stream must refuse to send")
      return
    }
  }
}
