// Channels that this node knows through the system channel, and does not order: they are looked at from time to time.

import BlockLedger
import Blocks
import ChannelConfig
import FabricProtos
import Followers
import Ordering
import Replication

extension Registrar {
  /// Whether a channel is tracked: a cluster orders the system channel, and this channel is not ordered here.
  func isTracked(_ role: ConsensusRole) -> Bool {
    role == .follower && map.read { $0.clusterSystemChannel } != nil
  }

  /// Makes a tracked channel of an open ledger, and shows it to clients.
  func show(tracking store: any BlockStore, _ bundle: ConfigBundle) throws -> Channel {
    let channel = try makeChannel(store: store, bundle: bundle, isTracked: true)
    try map.change { map throws(IllegalTransition) in
      try map.change(channel.id) { state throws(IllegalTransition) in try state.track(channel) }
    }
    tell(of: channel)
    beginTracking(channel.id)
    return channel
  }

  /// Has a channel looked at from time to time.
  func beginTracking(_ channelID: String) {
    logger.info("Adding \(channelID) to the set of chains to track")
    tracker.add { [weak self] in await self?.lookAtTrackedChannels() }
  }

  /// Tracks a channel whose chain has halted, since this node is not one of its consenters any more.
  func trackInstead(of channel: Channel) async throws {
    _ = try await forgetEndedMembership(of: channel)
    _ = try show(tracking: channel.store, try Self.bundle(of: channel.store))
  }

  /// Tracks what was followed while it was not known that there is a system channel.
  func trackFollowed() async {
    for follower in followers() where follower.height > 0 {
      await follower.halt()
      do {
        _ = try show(tracking: follower.store, try Self.bundle(of: follower.store))
      } catch { fail(follower.id, "\(error)") }
    }
  }

  /// Finds out which of the tracked channels this node has become a consenter of, pulls them, and orders them.
  func lookAtTrackedChannels() async {
    let tracked = map.read { $0.tracked.merging($0.leftBehind) { tracked, _ in tracked } }
    guard !tracked.isEmpty, let system = systemBundle else { return }
    let names = tracked.keys.sorted()
    logger.info("Found \(names.count) inactive chains: [\(names.joined(separator: " "))]")
    var replicated: [String] = []
    for name in names {
      guard !Task.isCancelled, let channel = tracked[name] else { return }
      if await look(at: channel, under: system) { replicated.append(name) }
    }
    logger.info(
      """
      Successfully replicated \(replicated.count) chains: [\(replicated.joined(separator: " "))]
      """)
  }

  /// The configuration of the system channel, which names the orderers that may be asked for any channel.
  private var systemBundle: ConfigBundle? {
    map.read { map in
      guard let name = map.clusterSystemChannel else { return nil }
      switch map.states[name] {
      case .ordering(let channel), .tracking(let channel): return channel.bundle
      default: return nil
      }
    }
  }

  /// - Returns: whether the channel is ordered here now.
  private func look(at channel: Channel, under system: ConfigBundle) async -> Bool {
    let replication = ChannelReplication(
      registrar: self, channelID: channel.id, endpoints: system)
    do {
      guard let height = try await replication.heightIfMember() else { return false }
      let channel = try await waitingForBlocks(channel)
      try await replication.pull(into: channel.store, through: height - 1)
      let bundle = try Self.bundle(of: channel.store)
      guard try consenter(for: bundle).role(in: bundle) == .consenter else { return false }
      return try await order(inPlaceOf: channel, bundle)
    } catch is CancellationError {
      return false
    } catch {
      logger.warning("Failed pulling channel \(channel.id): \(error)")
      return false
    }
  }

  /// A channel into whose ledger blocks can be pulled. One that Kafka still orders here, though others have moved it
  /// to Raft, is halted and tracked.
  private func waitingForBlocks(_ channel: Channel) async throws -> Channel {
    guard map.read({ $0.tracked[channel.id] }) == nil else { return channel }
    logger.info("This node was migrated from Kafka to Raft, skipping activation of Kafka chain")
    await halt(channel, because: "others have moved the channel to another consensus type")
    return try show(tracking: channel.store, channel.bundle)
  }

  /// Starts a chain in place of a tracked channel.
  private func order(inPlaceOf channel: Channel, _ bundle: ConfigBundle) async throws -> Bool {
    let ordered = try makeChannel(store: channel.store, bundle: bundle)
    try map.change { map throws(IllegalTransition) in
      try map.change(channel.id) { state throws(IllegalTransition) in try state.order(ordered) }
    }
    // Readers that accepted a channel in error find the one that works.
    channel.tip.fail("the channel is ordered here now")
    tell(of: ordered)
    guard await start(.ordered(ordered)) else { return false }
    logger.info("Created and started new channel \(channel.id)")
    return true
  }
}
