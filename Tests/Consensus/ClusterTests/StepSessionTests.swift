// What other nodes send, as it reaches a chain or is refused.

import Concurrency
import FabricProtos
import GRPCTransport
import Ordering
import TestSupport
import Testing

@testable import Cluster

private func consensus(_ text: String, channel: String = "alpha") -> [UInt8] {
  Array(
    StepFrame.consensus(channel: channel, payload: [ArraySlice(text.utf8)], metadata: [9])
      .readableBytesView)
}

private func submit(
  _ text: String, channel: String = "alpha", sequence: UInt64 = 3,
  type: Common_HeaderType = .endorserTransaction
) throws -> [UInt8] {
  Array(
    StepFrame.submit(
      channel: channel, sequence: sequence, envelope: try message(text, type: type)
    ).readableBytesView)
}

@Suite struct StepSessionTests {
  private let test = TestCluster()
  private let chain = TestChain()

  private func session(_ node: Int? = 2) throws -> StepSession {
    StepSession(
      test.cluster, certificate: try node.map { try certificateDER($0) }, endpoint: "10.0.0.2:4711")
  }

  private func connect() throws {
    test.cluster.connect("alpha", to: [try member(2, node: 2), try member(3, node: 3)], for: chain)
  }

  /// With what status the messages end their stream; nil if they do not.
  private func status(_ messages: [[UInt8]], node: Int? = 2) async throws -> GRPCStatus? {
    var session = try session(node)
    do throws(GRPCStatus) {
      try await session.take(messages)
      return nil
    } catch { return error }
  }

  @Test func messagesReachTheirChainInOrderAndSubmissionsTogether() async throws {
    try connect()
    let refused = try await status([
      consensus("a"), submit("1"), submit("2", sequence: 4), submit("3", type: .config),
      consensus("b"), submit("4", type: .ordererTransaction), submit("5", type: .configUpdate),
    ])
    #expect(refused == nil)
    #expect(
      chain.events == [
        .received(Array("a".utf8), metadata: [9], from: 2),
        .submitted(["1", "2", "3"], sequences: [3, 4, 3], configs: [false, false, true], by: 2),
        .received(Array("b".utf8), metadata: [9], from: 2),
        .submitted(["4", "5"], sequences: [3, 3], configs: [true, false], by: 2),
      ])
  }

  @Test func oneStreamMayCarrySeveralChannels() async throws {
    try connect()
    let beta = TestChain()
    test.cluster.connect("beta", to: [try member(8, node: 2)], for: beta)
    let refused = try await status([
      submit("1"), submit("2", channel: "beta"), consensus("c", channel: "beta"), submit("3"),
    ])
    #expect(refused == nil)
    #expect(chain.events.count == 2)
    #expect(
      beta.events == [
        .submitted(["2"], sequences: [3], configs: [false], by: 8),
        .received(Array("c".utf8), metadata: [9], from: 8),
      ])
  }

  @Test func strangersAreRefusedInTheOrderAndWordsOfGo() async throws {
    try connect()
    func unknown(_ text: String) -> GRPCStatus { GRPCStatus(.unknown, text) }
    #expect(
      try await status([consensus("a", channel: "")], node: nil)
        == unknown("badly formatted message, cannot extract channel"))
    #expect(
      try await status([submit("a", channel: "beta")], node: nil)
        == unknown("channel beta doesn't exist"))
    #expect(try await status([consensus("a")], node: nil) == unknown("no TLS certificate sent"))
    #expect(
      try await status([submit("a")], node: 4)
        == unknown("certificate extracted from TLS connection isn't authorized"))
    #expect(
      try await status([[]], node: nil)
        == unknown("message is neither a Submit nor a Consensus request"))
    #expect(chain.events.isEmpty)
  }

  @Test func whatTheChainRefusesEndsTheStreamWithItsReason() async throws {
    try connect()
    chain.state.change { $0.refusal = "no Raft leader" }
    #expect(try await status([submit("a")]) == GRPCStatus(.unknown, "no Raft leader"))
    #expect(try await status([consensus("a")]) == GRPCStatus(.unknown, "no Raft leader"))
    #expect(
      test.log.text.contains("Handling of Submit() from 10.0.0.2:4711 failed: no Raft leader"))
  }

  @Test func whatIsMalformedEndsTheStreamAfterWhatCameBefore() async throws {
    try connect()
    let malformed = try await status([submit("1"), [0x0A]])
    #expect(malformed?.code == .internalError)
    #expect(chain.events == [.submitted(["1"], sequences: [3], configs: [false], by: 2)])
    // An envelope that nobody could order.
    let envelope = Array(
      StepFrame.submit(channel: "alpha", sequence: 1, envelope: [0x0A, 1, 0xFF]).readableBytesView)
    let bad = try await status([submit("2"), envelope, submit("3")])
    #expect(bad?.code == .unknown && bad?.message.hasPrefix("bad message: ") == true)
    var empty = Orderer_StepRequest()
    empty.submitRequest.channel = "alpha"
    let none = try await status([empty.serializedBytes()])
    #expect(none?.message.hasPrefix("bad message: ") == true)
    #expect(chain.events.count == 2)
  }

  @Test func aMemberThatIsRemovedIsRefusedOnTheStreamThatItHas() async throws {
    try connect()
    var session = try session(3)
    try await session.take([consensus("a")])
    test.cluster.connect("alpha", to: [try member(2, node: 2)], for: chain)
    await #expect(
      throws: GRPCStatus(
        .unknown, "certificate extracted from TLS connection isn't authorized")
    ) { try await session.take([consensus("b")]) }
  }

  @Test func aChainThatIsGoneIsAChannelThatDoesNotExist() async throws {
    test.cluster.connect("gamma", to: [try member(2, node: 2)], for: TestChain())
    #expect(
      try await status([consensus("a", channel: "gamma")])
        == GRPCStatus(.unknown, "channel gamma doesn't exist"))
  }

  @Test func aNodeHasABoundedNumberOfStreams() {
    let count = StreamCount([])
    let streams = IngressStreams(limit: 2, count: count)
    #expect(streams.open([1]) && streams.open([1]))
    #expect(!streams.open([1]))
    #expect(streams.open([2]) && streams.open(nil))
    streams.close([1])
    #expect(streams.open([1]))
  }

  /// Bytes from the network never crash the node.
  @Test func anythingMayCome() async throws {
    try connect()
    var random = SplitMix64(seed: 11)
    let seeds = [
      consensus("hello"), try submit("hello"), try submit("x", type: .config),
      consensus("", channel: "beta"),
    ]
    for _ in 0..<5_000 {
      var bytes = seeds.randomElement(using: &random) ?? []
      for _ in 0...Int.random(in: 0...4, using: &random) {
        guard let index = bytes.indices.randomElement(using: &random) else { continue }
        if Bool.random(using: &random) {
          bytes[index] = .random(in: 0...255, using: &random)
        } else {
          bytes.remove(at: index)
        }
      }
      _ = try await status([bytes, bytes])
    }
  }
}
