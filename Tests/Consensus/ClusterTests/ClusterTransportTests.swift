// A node's connections to other nodes, in a network in memory and a time that tests move.

import Concurrency
import NIOCore
import Ordering
import TestSupport
import Testing

@testable import Cluster

@Suite struct ClusterTransportTests {
  @Test func aMessageMakesConnectionAndStreamAndLaterOnesUseThem() async throws {
    let test = try TestCluster.connected()
    #expect(test.connector.dialCount == 0)
    for index in 0..<3 { #expect(test.send("\(index)")) }
    let frames = await test.connector.stream().frames(3)
    #expect(try frames.map(text) == ["0", "1", "2"])
    #expect(test.connector.dialCount == 1)
    #expect(test.connector.connections.map(\.server.endpoint) == ["node2:7050"])
    #expect(!test.send("x", to: 3))
    #expect(!test.send("x", channel: "beta"))
  }

  @Test func channelsShareConnectionsAndTheLastTakesThemAlong() async throws {
    let test = try TestCluster.connected()
    test.cluster.connect("beta", to: [try member(5, node: 2)], for: test.chain)
    #expect(test.send("a"))
    let alpha = await test.connector.stream(0)
    #expect(test.send("b", to: 5, channel: "beta"))
    let beta = await test.connector.stream(1)
    #expect(test.connector.dialCount == 1)
    test.cluster.disconnect("alpha")
    try await eventually { alpha.isOver }
    #expect(!test.connector.connections[0].isClosed)
    #expect(!beta.isOver)
    #expect(!test.send("a"))
    test.cluster.disconnect("beta")
    #expect(test.connector.connections[0].isClosed)
    // What ends in an orderly way is no loss.
    #expect(test.chain.events.isEmpty)
  }

  @Test func onlyWhoIsReachedInAnotherWayLosesItsStream() async throws {
    let test = TestCluster()
    test.cluster.connect(
      "alpha", to: [try member(2, node: 2), try member(3, node: 3)], for: test.chain)
    #expect(test.send("a", to: 2))
    let second = await test.connector.stream()
    #expect(test.send("a", to: 3))
    let third = await test.connector.stream(0, of: 1)
    test.cluster.connect(
      "alpha", to: [try member(2, node: 2), try member(3, node: 3, port: 8050)], for: test.chain)
    try await eventually { third.isOver }
    #expect(!second.isOver)
    #expect(test.connector.connections[1].isClosed)
    #expect(test.send("b", to: 3))
    let again = await test.connector.stream(0, of: 2)
    #expect(try await again.frames(1).map(text) == ["b"])
    #expect(test.connector.connections[2].server.port == 8050)
    try test.connect()
    #expect(
      test.log.text.contains(
        "Deactivated node 3 who's endpoint is node3:8050 as it's removed from membership"))
  }

  @Test func aNodeThatCannotBeReachedIsToldOfOnceAndTriedAgainLater() async throws {
    let test = try TestCluster.connected()
    test.connector.state.change { $0.refusal = "connection refused" }
    #expect(test.send("lost"))
    #expect(await test.chain.waitForEvents(1) == [.lostContact(2)])
    #expect(!test.send("too soon"))
    test.time.advance(by: .milliseconds(50))
    #expect(test.send("lost, too"))
    #expect(await test.chain.waitForEvents(2).count == 2)
    let lines = test.log.all.filter {
      $0.contains("Failed to send StepRequest to 2, because: connection refused")
    }
    #expect(lines.map { $0.split(separator: " ")[0] } == ["error", "debug"])

    test.connector.state.change { $0.refusal = nil }
    test.time.advance(by: .milliseconds(500))
    #expect(test.send("there"))
    #expect(try await test.connector.stream().frames(1).map(text) == ["there"])
    try await eventually {
      test.log.text.contains("Successfully sent StepRequest to 2 after failed attempt(s)")
    }
  }

  @Test func whoIsHeardOfIsTriedAtOnce() async throws {
    let test = try TestCluster.connected()
    test.connector.state.change { $0.refusal = "connection refused" }
    #expect(test.send("lost"))
    _ = await test.chain.waitForEvents(1)
    test.connector.state.change { $0.refusal = nil }
    #expect(!test.send("too soon"))
    var session = StepSession(test.cluster, certificate: try certificateDER(2), endpoint: "e")
    try await session.take([
      Array(StepFrame.consensus(channel: "alpha", payload: [[1]], metadata: []).readableBytesView)
    ])
    #expect(test.send("now"))
    #expect(try await test.connector.stream().frames(1).map(text) == ["now"])
  }

  @Test func aNodeThatDoesNotKeepUpLosesItsStream() async throws {
    var settings = ClusterSettings()
    settings.sendBufferSize = 4
    let test = try TestCluster.connected(settings: settings)
    let stream = await test.sendFirst()
    stream.hold(true)
    #expect(test.send("1"))
    await stream.waitForBatch(2)
    for index in 2..<5 { #expect(test.send("\(index)")) }
    #expect(!test.send("too many"))
    #expect(await test.chain.waitForEvents(1) == [.lostContact(2)])
    #expect(stream.isOver)
    #expect(test.log.text.contains("because: send queue overflown"))
    // Clients' messages go on another stream.
    #expect(test.chain.lostSubmissions == [])
  }

  @Test func aMessageThatIsNotTakenInTimeEndsTheStream() async throws {
    let test = try TestCluster.connected()
    let stream = await test.sendFirst()
    stream.hold(true)
    #expect(test.send("1"))
    await stream.waitForBatch(2)
    await test.time.waitForSleepers(1)
    test.time.advance(by: .seconds(7))
    #expect(await test.chain.waitForEvents(1) == [.lostContact(2)])
    #expect(test.log.text.contains("because: rpc timeout expired"))
    #expect(stream.isOver)
  }

  @Test func aStreamThatTheNodeEndsIsLostContact() async throws {
    let test = try TestCluster.connected()
    let stream = await test.sendFirst()
    stream.end("rpc error: code = Unknown desc = channel alpha doesn't exist")
    #expect(await test.chain.waitForEvents(1) == [.lostContact(2)])
    test.time.advance(by: .seconds(1))
    // The connection is still there.
    #expect(test.send("1"))
    #expect(try await test.connector.stream(1).frames(1).map(text) == ["1"])
    #expect(test.connector.dialCount == 1)
  }

  @Test func aConnectionThatEndsIsMadeAgain() async throws {
    let test = try TestCluster.connected()
    await test.sendFirst()
    test.time.advance(by: .seconds(60))
    test.connector.connections[0].end("reset by peer")
    #expect(await test.chain.waitForEvents(1) == [.lostContact(2)])
    test.time.advance(by: .seconds(1))
    try await eventually { test.log.text.contains("has ended: reset by peer") }
    #expect(test.send("1"))
    #expect(try await test.connector.stream(0, of: 1).frames(1).map(text) == ["1"])
  }

  @Test func submissionsGoInOrderOnAStreamOfTheirOwn() async throws {
    var settings = ClusterSettings()
    settings.sendBufferSize = 2
    let test = try TestCluster.connected(settings: settings)
    await test.sendFirst()
    let texts = (0..<7).map { "\($0)" }
    try await test.cluster.submit(texts.map { try ordered($0, sequence: 9) }, in: "alpha", to: 2)
    let frames = await test.connector.stream(1).frames(7)
    for (frame, text) in zip(frames, texts) {
      #expect(
        try StepRequest(frame)
          == .submit(
            StepRequest.SubmitRequest(
              channel: "alpha", lastValidationSequence: 9, envelope: try message(text)[...])))
    }
  }

  @Test func submissionsAreInDoubtOnceTheirStreamEnds() async throws {
    let test = try TestCluster.connected()
    await test.sendFirst()
    try await test.cluster.submit([ordered("x")], in: "alpha", to: 2)
    _ = await test.connector.stream(1).frames(1)
    await test.connector.stream(1).end("gone")
    #expect(await test.chain.waitForEvents(1) == [.lostContact(2)])
    #expect(test.chain.lostSubmissions == [2])
  }

  @Test func aSubmissionThatCannotBeHandedOnSaysWhy() async throws {
    let test = TestCluster()
    func refusal(_ channel: String, _ id: UInt64) async throws -> String {
      let message = try ordered("x")
      do throws(ClusterRefusal) {
        try await test.cluster.submit([message], in: channel, to: id)
        return ""
      } catch { return error.description }
    }
    #expect(try await refusal("alpha", 2) == "channel alpha doesn't exist")
    try test.connect()
    #expect(
      try await refusal("alpha", 3) == "node 3 doesn't exist in channel alpha's membership")
    test.connector.state.change { $0.refusal = "connection refused" }
    #expect(try await refusal("alpha", 2) == "connection refused")
    test.cluster.shutdown()
    #expect(try await refusal("alpha", 2) == "channel alpha doesn't exist")
  }

  @Test func aSubmissionWaitsNoLongerThanAllowed() async throws {
    let test = try TestCluster.connected()
    test.connector.state.change { $0.holdsDials = true }
    let message = try ordered("x")
    let outcome = Task { try await test.cluster.submit([message], in: "alpha", to: 2) }
    await test.time.waitForSleepers(1)
    test.time.advance(by: .seconds(7))
    await #expect(throws: ClusterRefusal("timed out (7s) waiting on forwarding to 2")) {
      try await outcome.value
    }
    test.connector.state.change { $0.holdsDials = false }
  }

  @Test func messagesThatAreTooLargeAreNotSent() async throws {
    var settings = ClusterSettings()
    settings.maximumMessageBytes = 100
    let test = try TestCluster.connected(settings: settings)
    #expect(!test.send(String(repeating: "x", count: 100)))
    let message = try ordered(String(repeating: "x", count: 100))
    await #expect(throws: ClusterRefusal.self) {
      try await test.cluster.submit([message], in: "alpha", to: 2)
    }
    #expect(test.connector.dialCount == 0)
  }

  @Test func afterAShutdownNothingIsSentOrTaken() async throws {
    let test = try TestCluster.connected()
    await test.sendFirst()
    test.cluster.shutdown()
    #expect(test.connector.connections[0].isClosed)
    try test.connect()
    #expect(!test.send("b"))
    #expect(test.chain.events.isEmpty)
  }

  @Test func certificatesThatExpireSoonAreWarnedOf() async throws {
    let test = try TestCluster.connected(now: 4_000_000_000_000)
    await test.sendFirst()
    #expect(test.log.text.contains("from node2:7050 for channel alpha expires in less than"))
  }
}

extension ClusterRefusal: Equatable {
  package static func == (one: Self, other: Self) -> Bool { one.description == other.description }
}
