// The network between the nodes of a test, which can be cut and lose messages.

import ChannelConfig
import Concurrency
import FabricProtos
import Ordering
import Synchronization
import TestSupport

@testable import RaftConsensus

/// Joins the chains of one channel on several nodes. Nodes are known by their certificates, as in a real cluster.
final class TestNetwork: Sendable {
  struct Link: Hashable, Sendable {
    let from: Int
    let to: Int
  }

  private struct Parcel: Sendable {
    let payload: [UInt8]
    let metadata: [UInt8]
    let from: Int
    let to: Int
  }

  private struct Node: Sendable {
    weak var chain: (any ClusterChain)?
    var members: [ClusterMember] = []
    var channel: TestChannel?
  }

  private struct State: Sendable {
    var nodes: [Int: Node] = [:]
    var cuts: Set<Link> = []
    var lostPerMille: UInt64 = 0
    var breaks = 0
    var random: SplitMix64
    var parcels: [Parcel] = []
    var isDelivering = false
    var isClosed = false
    var snapshots = 0
  }

  private let certificates: [Int: [UInt8]]
  private let state: Watched<State>
  private let postman = Mutex<Task<Void, Never>?>(nil)

  init(seed: UInt64 = 1) throws {
    certificates = Dictionary(
      uniqueKeysWithValues: try (1...4).map { ($0, try serverCertificate($0)) })
    state = Watched(State(random: SplitMix64(seed: seed)))
    postman.withLock { $0 = Task { await self.deliver() } }
  }

  func close() async {
    state.change { $0.isClosed = true }
    await postman.withLock { $0 }?.value
  }

  // MARK: Troubles

  /// Nothing gets from these nodes to the others and back.
  func isolate(_ nodes: Int...) {
    state.change { state in
      state.cuts = []
      for node in nodes {
        for other in 1...4 where !nodes.contains(other) {
          state.cuts.formUnion([Link(from: node, to: other), Link(from: other, to: node)])
        }
      }
    }
  }

  func heal() { state.change { ($0.cuts, $0.lostPerMille) = ([], 0) } }

  /// So many of 1,000 messages are lost.
  func lose(_ perMille: UInt64) { state.change { $0.lostPerMille = perMille } }

  /// So many submissions arrive, and their senders do not learn of it.
  func breakStreams(_ count: Int) { state.change { $0.breaks = count } }

  var breaksLeft: Int { state.read { $0.breaks } }

  private func takeBreak() -> Bool {
    state.change { state in
      guard state.breaks > 0 else { return false }
      state.breaks -= 1
      return true
    }
  }

  /// Whether all that was sent has been delivered.
  var isQuiet: Bool { state.read { $0.parcels.isEmpty && !$0.isDelivering } }

  /// Snapshots that were sent.
  var snapshots: Int { state.read { $0.snapshots } }

  func register(_ channel: TestChannel, of node: Int) {
    state.change { $0.nodes[node, default: Node()].channel = channel }
  }

  func port(of node: Int) -> Port { Port(network: self, node: node) }

  // MARK: Delivering

  private func deliver() async {
    while true {
      let parcels: [Parcel] = await state.wait { state in
        state.isDelivering = !state.parcels.isEmpty
        guard state.isDelivering else { return state.isClosed ? [] : nil }
        defer { state.parcels = [] }
        return state.parcels
      }
      if parcels.isEmpty { return }
      for parcel in parcels {
        guard let (chain, sender) = receiver(of: parcel.from, at: parcel.to) else { continue }
        try? await chain.received(
          parcel.payload[...], metadata: parcel.metadata[...], from: sender)
      }
    }
  }

  /// The chain on a node, and what it calls another one; nil if it does not know that.
  private func receiver(of sender: Int, at node: Int) -> (any ClusterChain, UInt64)? {
    state.read { state in
      guard let receiver = state.nodes[node], let chain = receiver.chain,
        let member = receiver.members.first(where: {
          $0.clientCertificate == certificates[sender]
        })
      else { return nil }
      return (chain, member.id)
    }
  }

  private func node(of id: UInt64, for node: Int, _ state: State) -> Int? {
    let member = state.nodes[node]?.members.first { $0.id == id }
    return certificates.first { $0.value == member?.serverCertificate }?.key
  }

  /// What a node has of the network.
  struct Port: ClusterTransport, BlockSource {
    let network: TestNetwork
    let node: Int

    func connect(
      _ channelID: String, as own: ClusterMember?, to members: [ClusterMember],
      for chain: any ClusterChain
    ) {
      network.state.change { state in
        state.nodes[node, default: Node()].members = members
        state.nodes[node, default: Node()].chain = chain
      }
    }

    func disconnect(_ channelID: String) {
      network.state.change { state in
        state.nodes[node]?.members = []
        state.nodes[node]?.chain = nil
      }
    }

    func send(
      _ payload: [ArraySlice<UInt8>], metadata: [UInt8], in channelID: String, to id: UInt64
    ) -> Bool {
      network.state.change { state in
        guard let target = network.node(of: id, for: node, state),
          !state.cuts.contains(Link(from: node, to: target))
        else { return false }
        if state.random.next() % 1_000 < state.lostPerMille { return true }
        state.parcels.append(
          Parcel(payload: Array(payload.joined()), metadata: metadata, from: node, to: target))
        if payload.first?.dropFirst().first == 7 { state.snapshots += 1 }
        return true
      }
    }

    func submit(
      _ messages: [OrderedMessage], in channelID: String, to id: UInt64
    ) async throws(ClusterRefusal) {
      let target: Int? = network.state.change { state in
        guard let target = network.node(of: id, for: node, state),
          !state.cuts.contains(Link(from: node, to: target)),
          state.random.next() % 1_000 >= state.lostPerMille
        else { return nil }
        return target
      }
      guard let target, let (chain, sender) = network.receiver(of: node, at: target) else {
        throw ClusterRefusal("the network is cut")
      }
      try await chain.submitted(messages, by: sender)
      if network.takeBreak() { throw ClusterRefusal("the stream broke behind them") }
    }

    /// Blocks of any node that can be reached.
    private var sources: [TestChannel] {
      network.state.read { state in
        state.nodes.filter { other, _ in
          other != node && !state.cuts.contains(Link(from: node, to: other))
        }.compactMap(\.value.channel)
      }
    }

    func pull(
      _ channelID: String, from first: UInt64, through last: UInt64?, under bundle: ConfigBundle,
      previousHash: [UInt8], take: @Sendable (_ run: [Block]) async throws -> Void
    ) async throws {
      guard let source = sources.max(by: { $0.height < $1.height }),
        source.height > last ?? first
      else { throw PullFailure.unavailable("no node has them") }
      guard try source.block(first).header.previousHash == previousHash else {
        throw PullFailure.invalid("block \(first) follows on another one")
      }
      for number in first...(last ?? source.height - 1) {
        try await take([source.block(number)])
      }
    }

    func newestConfigBlock(
      of channelID: String, under bundle: ConfigBundle
    ) async throws -> Block {
      guard let source = sources.max(by: { $0.height < $1.height }) else {
        throw PullFailure.unavailable("nobody is there")
      }
      let newest = try source.block(source.height - 1)
      return try source.block(newest.lastConfigIndex(channelID: channelID))
    }
  }
}
