// Updates of the consenters while the leader has not told who is alive, as leaders of Go 1.4 never do: this node hands
// them on, and the leader judges.

import ChannelConfig
import FabricProtos
import Foundation
import Ordering
import RaftCore
import RaftWire
import Synchronization
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct UntoldLivenessTests {
  /// What a node hands on to a leader.
  private final class Post: ClusterTransport, BlockSource {
    let submitted = Mutex<[OrderedMessage]>([])

    func submit(
      _ messages: [OrderedMessage], in channelID: String, to id: UInt64
    ) async throws(ClusterRefusal) { submitted.withLock { $0 += messages } }

    func connect(
      _ channelID: String, as own: ClusterMember?, to members: [ClusterMember],
      for chain: any ClusterChain
    ) {}
    func disconnect(_ channelID: String) {}
    func send(
      _ payload: [ArraySlice<UInt8>], metadata: [UInt8], in channelID: String, to id: UInt64
    ) -> Bool { true }
    func pull(
      _ channelID: String, from first: UInt64, through last: UInt64?, under bundle: ConfigBundle,
      previousHash: [UInt8], take: @Sendable (_ run: [Block]) async throws -> Void
    ) async throws { throw PullFailure.unavailable("nobody is there") }
    func newestConfigBlock(
      of channelID: String, under bundle: ConfigBundle
    ) async throws -> Block { throw PullFailure.unavailable("nobody is there") }
  }

  private struct Follower {
    let fixture: ChainFixture
    let channel: TestChannel
    let chain: RaftChain
    let post: Post

    func receive(_ message: Message, metadata: [UInt8] = [], from sender: UInt64) async throws {
      try await chain.received(message.wire()[...], metadata: metadata[...], from: sender)
    }

    /// Sends until this node follows the sender: a node that founds its channel knows nobody yet.
    func follows(_ message: Message) async throws {
      try await eventually {
        try await receive(message, from: message.from)
        return chain.state.read {
          if case .running(_, .following) = $0.phase { true } else { false }
        }
      }
    }

    /// Lets time pass under a leader that tells nothing.
    func isUntold(by leader: NodeID, term: Term, commit: LogIndex = 0) async throws {
      try await eventually {
        fixture.time.advance(by: .milliseconds(500))
        try await receive(
          Message(.heartbeat, to: 1, from: leader, term: term, commit: commit), from: leader)
        return chain.attendance.withLock { $0.active == nil }
      }
    }

    /// What this node says of an update of the consenters.
    func outcome(of next: Etcdraft_ConfigMetadata) throws -> String {
      let change = ConsensusChange(
        channelID: "raftchannel", current: try #require(channel.bundle.orderer),
        next: try #require(raftBundle(next).orderer), isNewChannel: false)
      do { try fixture.consenter.validate(change) } catch { return "\(error)" }
      return "accepted"
    }
  }

  /// Runs a test with one node of a channel of three.
  private func withNode(_ node: Int, _ body: (Follower) async throws -> Void) async throws {
    let post = Post()
    let fixture = try ChainFixture(node: node, port: post)
    let store = try await TestChannel.ledger(raftConfig([1, 2, 3]))
    let channel = try TestChannel(store, time: fixture.time)
    let chain = try fixture.start(channel)
    try await body(Follower(fixture: fixture, channel: channel, chain: chain, post: post))
    await chain.halt()
    await fixture.remove()
  }

  private static let loss = "0 out of 3 nodes are alive, configuration will result in quorum loss"

  @Test func whileNobodyLeadsNobodyIsAlive() async throws {
    try await withNode(1) { node in
      let outcome = try node.outcome(of: raftConfig([1, 2, 3, 4]))
      #expect(outcome.hasPrefix(Self.loss))
    }
  }

  @Test func aLeaderThatTellsNothingJudges() async throws {
    try await withNode(1) { node in
      try await node.follows(Message(.heartbeat, to: 1, from: 2, term: 2))
      // It may be about to tell.
      #expect(try node.outcome(of: raftConfig([1, 2, 3, 4])).hasPrefix(Self.loss))
      try await node.isUntold(by: 2, term: 2)
      #expect(try node.outcome(of: raftConfig([1, 2, 3, 4])) == "accepted")
      #expect(try node.outcome(of: raftConfig([1, 2])) == "accepted")
      // What needs no knowledge of others is refused as ever.
      #expect(try node.outcome(of: raftConfig([1])).hasPrefix("update of more than one consenter"))

      // Once it has told, this node knows.
      try await node.receive(
        Message(.heartbeat, to: 1, from: 2, term: 2), metadata: ActiveNodes.serialized([1, 2]),
        from: 2)
      try await eventually { node.chain.attendance.withLock { $0.active == [1, 2] } }
      #expect(
        try node.outcome(of: raftConfig([1, 2, 3, 4])).hasPrefix(
          "2 out of 3 nodes are alive, configuration will result in quorum loss"))

      // That is not true of the next leader any more.
      try await node.receive(Message(.heartbeat, to: 1, from: 3, term: 3), from: 3)
      try await eventually { node.chain.attendance.withLock { $0.active == [] } }
      try await node.isUntold(by: 3, term: 3)
      #expect(try node.outcome(of: raftConfig([1, 2, 3, 4])) == "accepted")
    }
  }

  @Test func theLeaderValidatesAgainWhatThisNodeCouldNotJudge() async throws {
    try await withNode(1) { node in
      // The founding made three entries. The leader's first one makes all that went before final.
      let first = Message(
        .append, to: 1, from: 2, term: 2, logTerm: 1, index: 3,
        entries: [Entry(term: 2, index: 4, data: [])], commit: 4)
      try await node.follows(first)
      try await node.isUntold(by: 2, term: 2, commit: 4)
      let update = try OrderedMessage(
        envelope: node.channel.configMessage(raftConfig([1, 2, 3, 4])).envelope,
        configSequence: 7, isConfig: true)
      try await node.chain.submit(update)
      try await node.chain.submit("normal", sequence: 7)
      try await eventually { node.post.submitted.withLock { $0.count == 2 } }
      let handedOn = node.post.submitted.withLock { $0 }
      #expect(handedOn.map(\.configSequence) == [6, 7])
      #expect(handedOn.map(\.isConfig) == [true, false])
      #expect(handedOn.first?.envelope.bytes == update.envelope.bytes)

      // With what the leader has told, this node has judged.
      try await node.receive(
        Message(.heartbeat, to: 1, from: 2, term: 2, commit: 4),
        metadata: ActiveNodes.serialized([1, 2, 3]), from: 2)
      try await eventually { node.chain.attendance.withLock { $0.active == [1, 2, 3] } }
      try await node.chain.submit(update)
      try await eventually { node.post.submitted.withLock { $0.count == 3 } }
      #expect(node.post.submitted.withLock { $0.last?.configSequence } == 7)
    }
  }
}

/// What Go's leaders sent to followers.
@Suite(.enabled(if: RaftVectors.areThere)) struct RecordedLeadersTests {
  private struct Selection: Decodable {
    struct Sample: Decodable { let hex: String }
    let messages: [Sample]
  }

  private struct Request {
    let message: Message
    let metadata: [UInt8]
  }

  /// The heartbeats that the first leader sent to one of its followers.
  private func requests(_ release: String) throws -> [Request] {
    let selection = try JSONDecoder().decode(
      Selection.self, from: RaftVectors.data("wire/step-\(release).json"))
    let all = try selection.messages.compactMap { sample -> Request? in
      let step = try Orderer_StepRequest(serializedBytes: unhexed(sample.hex))
      guard case .consensusRequest(let request)? = step.payload else { return nil }
      return Request(
        message: try Message(wire: Array(request.payload)[...]), metadata: Array(request.metadata))
    }
    let first = try #require(all.first { $0.message.kind == .heartbeat }).message
    return all.filter { request in
      let message = request.message
      guard (message.from, message.to, message.term) == (first.from, first.to, first.term) else {
        return false
      }
      return message.kind == .heartbeat
    }
  }

  private func unhexed(_ text: String) -> [UInt8] {
    let digits = text.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  /// - Parameter tells: Whether the leaders of this release tell who is alive.
  @Test(arguments: [("v1.4.12", false), ("v2.5.16", true), ("v3.1.5", true)])
  func anUpdateIsJudgedByWhoKnows(_ release: String, tells: Bool) async throws {
    let requests = try requests(release)
    #expect(requests.contains { !$0.metadata.isEmpty } == tells)
    let fixture = try ChainFixture(node: Int(try #require(requests.first).message.to))
    let channel = try TestChannel(
      try await TestChannel.ledger(raftConfig([1, 2, 3])), time: fixture.time)
    let chain = try fixture.start(channel)
    // Said again until the chain knows its leader; where nothing is told, for an election time-out.
    try await eventually {
      try #require(channel.now.failure == nil)
      if !tells { fixture.time.advance(by: .milliseconds(500)) }
      for request in requests {
        var message = request.message
        // What the leader has put into the log is of another channel.
        message.commit = min(message.commit, 3)
        try await chain.received(
          message.wire()[...], metadata: request.metadata[...], from: message.from)
      }
      return chain.attendance.withLock { $0.active == (tells ? [1, 2, 3] : nil) }
    }
    let change = ConsensusChange(
      channelID: "raftchannel", current: try #require(channel.bundle.orderer),
      next: try #require(raftBundle(raftConfig([1, 2, 3, 4])).orderer), isNewChannel: false)
    try fixture.consenter.validate(change)
    await chain.halt()
    await fixture.remove()
  }
}
