// Several nodes that order one channel, in one process and under one clock.

import BlockLedger
import Blocks
import Concurrency
import FabricProtos
import Foundation
import Ordering
import ProcessingFixtures
import Synchronization
import TestSupport
import Testing

@testable import RaftConsensus

/// The nodes of a channel. Their clock goes on by a tick again and again, as fast as the machine allows for: a busy one
/// must not make them believe that a leader is silent.
final class ClusterFixture: Sendable {
  struct Node: Sendable {
    var fixture: ChainFixture
    var channel: TestChannel
    var chain: RaftChain
  }

  let time = ManualTime()
  let network: TestNetwork
  private let genesis: SealedBlock
  private let state = Mutex<[Int: Node]>([:])
  private let clock: Task<Void, Never>

  /// - Parameter nodes: The channel's consenters.
  init(
    _ nodes: [Int], batch: UInt32 = 1, seed: UInt64 = 1,
    snapshotInterval: UInt32 = 16 << 20
  ) throws {
    network = try TestNetwork(seed: seed)
    genesis = try TestChannel.genesis(
      try raftConfig(nodes) { $0.options.snapshotIntervalSize = snapshotInterval }
    ) {
      try $0.editBatchSize { $0.maxMessageCount = batch }
    }
    let time = time
    clock = Task {
      while !Task.isCancelled {
        let pause = max(.milliseconds(20), await Self.timeOfSteps() * 5)
        try? await Task.sleep(for: pause)
        time.advance(by: .milliseconds(500))
      }
    }
  }

  /// How long this machine takes now for what chains do from one tick to the next: turns of their tasks, and a file
  /// that is synchronized on another thread.
  private static func timeOfSteps() async -> Duration {
    await ContinuousClock().measure {
      for _ in 0..<4 {
        await withCheckedContinuation { continuation in
          Thread.detachNewThread {
            let path =
              "\(FileManager.default.temporaryDirectory.path)/heddle-steps-\(UUID().uuidString)"
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            let file = FileHandle(forWritingAtPath: path)
            try? file?.write(contentsOf: [1])
            try? file?.synchronize()
            try? file?.close()
            try? FileManager.default.removeItem(atPath: path)
            continuation.resume()
          }
        }
        await Task.detached {}.value
      }
    }
  }

  /// Runs a test with nodes that were started.
  static func with(
    _ nodes: [Int], batch: UInt32 = 1, seed: UInt64 = 1,
    snapshotInterval: UInt32 = 16 << 20,
    _ body: (ClusterFixture) async throws -> Void
  ) async throws {
    let cluster = try ClusterFixture(
      nodes, batch: batch, seed: seed, snapshotInterval: snapshotInterval)
    do {
      for node in nodes { try await cluster.start(node) }
      try await body(cluster)
    } catch {
      await cluster.remove()
      throw error
    }
    await cluster.remove()
  }

  func remove() async {
    for node in nodes { await node.chain.halt() }
    for node in nodes { await node.fixture.remove() }
    clock.cancel()
    await network.close()
  }

  var nodes: [Node] { state.withLock { nodes in nodes.keys.sorted().compactMap { nodes[$0] } } }

  func node(_ number: Int) throws -> Node {
    guard let node = state.withLock({ $0[number] }) else { throw TestChannel.Refused() }
    return node
  }

  // MARK: Life

  /// Starts a node that has nothing.
  func start(_ number: Int) async throws {
    let store = try await RAMLedgerFactory(historySize: 10_000).openOrCreate("raftchannel")
    try await store.append(genesis)
    try start(number, on: store)
  }

  /// Starts a node that has a ledger, as a follower that becomes a consenter.
  func start(_ number: Int, on store: any BlockStore) throws {
    let fixture = try ChainFixture(node: number, time: time, port: network.port(of: number))
    try start(number, fixture, store)
  }

  func start(_ number: Int, _ fixture: ChainFixture, _ store: any BlockStore) throws {
    let channel = try TestChannel(store, time: time)
    network.register(channel, of: number)
    let chain = try fixture.start(channel)
    state.withLock {
      $0[number] = Node(fixture: fixture, channel: channel, chain: chain)
    }
  }

  func stop(_ number: Int) async throws { await (try node(number)).chain.halt() }

  func restart(_ number: Int) throws {
    let node = try node(number)
    try start(number, node.fixture, node.channel.store)
  }

  /// Ends a node and starts it again as a crash would have left it: what it has in memory is gone. Only then is what it
  /// was doing given up.
  func crash(_ number: Int) async throws {
    let old = try node(number)
    network.port(of: number).disconnect(old.channel.channelID)
    // Nothing more gets out of it.
    old.channel.state.change { $0.isBlocked = true }
    let height = old.channel.store.height
    let fixture = try old.fixture.crashed()
    let store = try await RAMLedgerFactory(historySize: 10_000).openOrCreate("raftchannel")
    for number in 0..<height { try await store.append(old.channel.store.block(number)) }
    old.channel.state.change {
      $0.refusal = TestChannel.Refused()
      $0.isBlocked = false
    }
    await old.chain.halt()
    await old.fixture.remove()
    try start(number, fixture, store)
  }

  // MARK: Clients

  /// Hands in messages to a node, again and again while it knows no leader: on a busy machine there may be elections at
  /// any time.
  func submit(_ texts: String..., sequence: UInt64 = 0, by number: Int) async throws {
    try await submit(texts, sequence: sequence, by: number)
  }

  func submit(_ texts: [String], sequence: UInt64 = 0, by number: Int) async throws {
    try await eventually {
      do { try await node(number).chain.submit(texts, sequence: sequence) } catch ChainError
        .unavailable
      { return false }
      return true
    }
  }

  // MARK: Looking at it

  /// The node that leads, once there is one.
  func leader() async throws -> Int {
    var leader = 0
    try await eventually {
      let leading = state.withLock { $0.filter { $0.value.chain.state.read { $0.isLeading } } }
      leader = leading.keys.first ?? 0
      return leading.count == 1
    }
    return leader
  }

  func follower() async throws -> Int {
    let leader = try await leader()
    return state.withLock { $0.keys.sorted().first { $0 != leader } } ?? 0
  }

  /// Waits until nodes have so many blocks.
  func wait(height: UInt64, on numbers: [Int]? = nil) async throws {
    let all = try numbers.map { try $0.map(node) } ?? nodes
    for node in all { await node.channel.wait(height: height) }
    for node in all { #expect(node.channel.now.failure == nil) }
  }

  /// The texts in all blocks.
  func texts(on number: Int) throws -> [String] {
    try node(number).channel.contents().flatMap { $0 }
  }

  /// Blocks are equal where nodes have both: header, data and what the consenter says in them.
  func checkEqual() throws {
    let chains = try nodes.map { try $0.channel.blocks() }
    guard let longest = chains.max(by: { $0.count < $1.count }) else { return }
    for blocks in chains {
      let other = longest.prefix(blocks.count)
      #expect(blocks.map(\.header) == other.map(\.header))
      #expect(blocks.map(\.data) == other.map(\.data))
      #expect(blocks.map { $0.signatures?.value } == other.map { $0.signatures?.value })
    }
  }
}
