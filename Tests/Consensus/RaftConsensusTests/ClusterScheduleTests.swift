// Chains of several nodes through losses, cuts, crashes and orderly stops, as seeds make them.
// HEDDLE_RAFT_CHAINS sets how many histories are tried, HEDDLE_RAFT_SEED where to begin; a failure tells its seed.

import Concurrency
import Foundation
import Ordering
import Synchronization
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(.sockets, .serialized) struct ClusterScheduleTests {
  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap(UInt64.init)
  }

  private static let first = number("HEDDLE_RAFT_SEED") ?? 1
  private static let count = number("HEDDLE_RAFT_CHAINS") ?? 6

  /// What clients were told.
  private struct Told: Sendable {
    var acknowledged: [Int: [String]] = [:]
    /// A crash may have lost them.
    var doubtful: Set<String> = []
  }

  @Test(arguments: first..<(first + count))
  func nothingAcknowledgedIsLostAndAllNodesWriteTheSame(seed: UInt64) async throws {
    try await ClusterFixture.with(
      [1, 2, 3], batch: UInt32(1 + seed % 3), seed: seed,
      snapshotInterval: seed % 2 == 0 ? 4_000 : 16 << 20
    ) { cluster in
      var random = SplitMix64(seed: seed)
      var told = Told()
      _ = try await cluster.leader()
      for round in 0..<12 {
        try await trouble(cluster, &random, &told)
        for place in 0..<3 {
          let node = 1 + Int(random.next() % 3)
          let texts = (0..<4).map { "\(round)-\(place)-\($0)" }
          do {
            try await cluster.node(node).chain.submit(texts)
            told.acknowledged[node, default: []] += texts
          } catch is ChainError {}
        }
      }
      cluster.network.heal()
      try await settle(cluster, told)
      try cluster.checkEqual()
      let texts = try cluster.texts(on: 1)
      for (_, acknowledged) in told.acknowledged {
        let certain = acknowledged.filter { !told.doubtful.contains($0) }
        // In the order in which they were taken, at their first place.
        let places = certain.map { texts.firstIndex(of: $0) ?? -1 }
        #expect(!places.contains(-1))
        #expect(places == places.sorted())
      }
    }
  }

  private func trouble(
    _ cluster: ClusterFixture, _ random: inout SplitMix64, _ told: inout Told
  ) async throws {
    let node = 1 + Int(random.next() % 3)
    switch random.next() % 6 {
    case 0: cluster.network.isolate(node)
    case 1: cluster.network.lose(100 + random.next() % 200)
    case 2:
      told.doubtful.formUnion(told.acknowledged[node] ?? [])
      try await cluster.crash(node)
    case 3:
      cluster.network.heal()
      // An orderly stop may come while nobody leads.
      told.doubtful.formUnion(told.acknowledged[node] ?? [])
      try await cluster.stop(node)
      try cluster.restart(node)
    default: cluster.network.heal()
    }
  }

  /// Waits until all nodes have all that is certain.
  private func settle(_ cluster: ClusterFixture, _ told: Told) async throws {
    let certain = Set(told.acknowledged.values.joined()).subtracting(told.doubtful)
    try await eventually {
      for node in 1...3 {
        #expect(try cluster.node(node).channel.now.failure == nil)
        guard certain.isSubset(of: try cluster.texts(on: node)) else { return false }
      }
      let heights = try (1...3).map { try cluster.node($0).channel.height }
      return Set(heights).count == 1
    }
  }
}
