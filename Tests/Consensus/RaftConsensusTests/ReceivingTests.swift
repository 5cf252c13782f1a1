// What a chain takes from other nodes, and what it refuses.

import Ordering
import RaftCore
import RaftWire
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct ReceivingTests {
  private func withChain(
    _ body: (RaftChain, TestChannel) async throws -> Void
  ) async throws {
    let fixture = try ChainFixture()
    let store = try await TestChannel.ledger(raftConfig([1, 2, 3]))
    let channel = try TestChannel(store, time: fixture.time)
    let chain = try fixture.start(channel)
    try await body(chain, channel)
    await chain.halt()
    await fixture.remove()
  }

  @Test func whatNoNodeMaySendEndsItsStream() async throws {
    try await withChain { chain, channel in
      let forbidden: [Message.Kind] = [
        .hup, .beat, .propose, .unreachable, .snapshotStatus, .checkQuorum, .transferLeader,
        .readIndex, .readIndexResponse, .storageAppend, .storageAppendResponse, .storageApply,
        .storageApplyResponse, .forgetLeader,
      ]
      for kind in forbidden {
        let bytes = Message(kind, to: 1, from: 2, term: 2).wire()
        await #expect(throws: ClusterRefusal.self, "\(kind)") {
          try await chain.received(bytes[...], metadata: [], from: 2)
        }
      }
      await #expect(throws: ClusterRefusal.self) {
        try await chain.received([0xFF, 0xFF, 0xFF], metadata: [], from: 2)
      }
      // A snapshot that stands for no block.
      let snapshot = Message(
        .snapshot, to: 1, from: 2, term: 2,
        snapshot: Snapshot(
          index: 9, term: 1, members: MembershipState(voters: [1, 2, 3]), data: [1, 2]))
      await #expect(throws: ClusterRefusal.self) {
        try await chain.received(snapshot.wire()[...], metadata: [], from: 2)
      }
      #expect(channel.now.failure == nil)
    }
  }

  @Test func aYoungerIDTellsThatThisOneIsGone() async throws {
    try await withChain { chain, channel in
      // To an id that was this node's before: the sender is behind.
      let old = Message(.heartbeat, to: 0, from: 2, term: 2).wire()
      try await chain.received(old[...], metadata: [], from: 2)
      let young = Message(.heartbeat, to: 4, from: 2, term: 2).wire()
      try await chain.received(young[...], metadata: [], from: 2)
      await channel.wait { $0.ceased != nil }
      #expect(channel.now.ceased?.contains("consenter 4") == true)
      await #expect(throws: ChainError.self) { try await chain.submit("1") }
    }
  }

  @Test func submissionsOfOthersAreForTheLeaderAlone() async throws {
    try await withChain { chain, _ in
      let heartbeat = Message(.heartbeat, to: 1, from: 2, term: 2).wire()
      try await chain.received(heartbeat[...], metadata: [], from: 2)
      await chain.state.wait { if case .running(_, .following) = $0.phase { () } else { nil } }
      await #expect(throws: ClusterRefusal.self) {
        try await chain.submitted([try message([1])], by: 3)
      }
    }
  }

  @Test func noBytesFromOutsideEndAChain() async throws {
    try await withChain { chain, channel in
      let valid = [
        Message(.heartbeat, to: 1, from: 2, term: 2),
        Message(
          .append, to: 1, from: 2, term: 2, logTerm: 1, index: 3,
          entries: [Entry(term: 2, index: 4, data: [1, 2, 3])]),
        Message(.vote, to: 1, from: 3, term: 5, logTerm: 1, index: 3),
        Message(.appendResponse, to: 1, from: 3, term: 5, index: 3),
      ].map { $0.wire() }
      var random = SplitMix64(seed: 7)
      for _ in 0..<5_000 {
        var bytes = valid[Int(random.next() % UInt64(valid.count))]
        for _ in 0..<(1 + random.next() % 3) {
          bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
        }
        let metadata = [UInt8(truncatingIfNeeded: random.next()), 1]
        try? await chain.received(bytes[...], metadata: metadata[...], from: 2)
      }
      // The task goes on; a log that nobody could have written may have ended the channel, never the node.
      chain.queue.wake()
      _ = channel.now
    }
  }

  @Test func aFullInboxDropsWhatComes() {
    let inbox = RaftInbox {}
    let received = RaftInbox.Received(
      message: Message(.heartbeat), activeNodes: nil, sender: 2, size: 1)
    var taken = 0
    while inbox.put(received) { taken += 1 }
    #expect(taken == RaftInbox.maximumCount)
    #expect(inbox.take().messages.count == taken)
    #expect(inbox.put(received))
  }
}
