// Several nodes that order one channel, in one process, whose clocks go at the same rate.

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

/// The nodes of a channel. Their clocks go on by a tick again and again, but only once the last tick has had its effect:
/// a busy machine must not make them believe that a leader is silent.
final class ClusterFixture: Sendable {
  struct Node: Sendable {
    var fixture: ChainFixture
    var channel: TestChannel
    var chain: RaftChain
  }

  private static let tick = Duration.milliseconds(500)

  let network: TestNetwork
  private let founders: [Int]
  private let genesis: SealedBlock
  private let state = Mutex<[Int: Node]>([:])

  /// - Parameter nodes: The channel's consenters.
  init(
    _ nodes: [Int], batch: UInt32 = 1, seed: UInt64 = 1,
    snapshotInterval: UInt32 = 16 << 20
  ) throws {
    founders = nodes
    network = try TestNetwork(seed: seed)
    genesis = try TestChannel.genesis(
      try raftConfig(nodes) { $0.options.snapshotIntervalSize = snapshotInterval }
    ) {
      try $0.editBatchSize { $0.maxMessageCount = batch }
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
    let clock = Task { await cluster.letTimePass() }
    defer { clock.cancel() }
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
    await network.close()
  }

  var nodes: [Node] { state.withLock { nodes in nodes.keys.sorted().compactMap { nodes[$0] } } }

  func node(_ number: Int) throws -> Node {
    guard let node = state.withLock({ $0[number] }) else { throw TestChannel.Refused() }
    return node
  }

  // MARK: Time

  /// Ticks until it is cancelled. All that a tick makes nodes tell each other has arrived by the next tick but one, so
  /// nobody misses heartbeats, however busy the machine is. The pause is for their logs.
  private func letTimePass() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(20))
      while !Task.isCancelled, !isSettled { try? await Task.sleep(for: .milliseconds(1)) }
      for node in nodes { node.fixture.time.advance(by: Self.tick) }
    }
  }

  /// Whether all chains that take part have taken the last tick, and the network has delivered all that was sent.
  private var isSettled: Bool {
    network.isQuiet
      && nodes.allSatisfy { node in
        guard case .running(_, let standing) = node.chain.state.read({ $0.phase }) else {
          return true
        }
        if case .ceased = standing { return true }
        // A tick that was taken has made the next one's alarm.
        let time = node.fixture.time
        return time.nextAlarm.map { $0 <= time.now + Self.tick } ?? false
      }
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
    let fixture = try ChainFixture(
      folder: ChainFixture.folderInMemory(), node: number, port: network.port(of: number))
    try start(number, fixture, store)
  }

  func start(_ number: Int, _ fixture: ChainFixture, _ store: any BlockStore) throws {
    let channel = try TestChannel(store, time: fixture.time)
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
    let blocks = try old.channel.allBlocks()
    let fixture = try old.fixture.crashed()
    let store = try await TestChannel.ledger(copying: blocks)
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

  /// The consenters at the beginning, without this one.
  func others(than node: Int) -> [Int] { founders.filter { $0 != node } }

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
