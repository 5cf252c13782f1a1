// Channels that others order, and the ways from following a channel to ordering it and back.

import BlockLedger
import ChannelConfig
import Followers
import Ordering

extension Registrar {
  /// A follower of a channel whose ledger is open. It does nothing before it is started.
  ///
  /// - Parameters:
  ///   - bundle: The configuration at the end of the ledger; nil if that is empty.
  ///   - join: The block that the channel is being joined with; nil once that block is here.
  ///   - isStale: Whether that configuration names this node, but the node was told otherwise.
  func makeFollower(
    _ store: any BlockStore, bundle: ConfigBundle?, join: JoinBlock? = nil, isStale: Bool = false
  ) -> Follower {
    if let bundle { onConfiguration(bundle) }
    return Follower(
      store: store, bundle: bundle, join: join.map { JoinPoint($0.block, bundle: $0.bundle) },
      isStale: isStale, support: FollowedChannel(registrar: self, id: store.channelID),
      environment: Follower.Environment(
        source: blocks, signer: signer, metrics: metrics, time: time, logger: logger))
  }

  /// Shows that a channel is followed.
  func show(_ follower: Follower) throws(IllegalTransition) {
    try map.change { map throws(IllegalTransition) in
      try map.change(follower.id) { state throws(IllegalTransition) in try state.follow(follower) }
    }
    onChannel(follower.id, .follower(follower))
    tellParticipation(in: follower.id)
    logger.info("Created and started a follower.Chain for channel \(follower.id)")
  }

  // MARK: From ordering to following

  /// A chain has found out that this node is not one of the channel's consenters any more.
  func ceaseOrdering(_ channelID: String, because reason: String) {
    logger.warning(
      "[channel: \(channelID)] This node does not order the channel any more: \(reason)")
    // The chain ends before its task does, so nobody may wait for that here.
    Task { await followInstead(channelID, because: reason) }
  }

  /// Halts a chain, and follows the channel from the blocks on that are here.
  private func followInstead(_ channelID: String, because reason: String) async {
    guard case .ordering(let channel)? = map.read({ $0.states[channelID] }) else { return }
    await halt(channel, because: reason)
    do {
      if map.read({ $0.clusterSystemChannel }) != nil {
        return try await trackInstead(of: channel)
      }
      // What is ordered through a system channel is created, and never joined or left.
      guard systemChannelID == nil else { return }
      let follower = try await makeFollower(inPlaceOf: channel)
      try show(follower)
      _ = await start(.followed(follower))
    } catch is IllegalTransition {
      // It has been removed meanwhile.
    } catch { fail(channelID, "\(error)") }
  }

  private func makeFollower(inPlaceOf channel: Channel) async throws -> Follower {
    let isStale = try await !forgetEndedMembership(of: channel)
    return makeFollower(
      channel.store, bundle: try Self.bundle(of: channel.store), isStale: isStale)
  }

  /// Deletes what the consenter of a chain that has halted kept, if the configuration here does not name this node any
  /// more: it must not be found by the chain of a later membership.
  ///
  /// - Returns: whether the configuration here has ceased to name the node.
  func forgetEndedMembership(of channel: Channel) async throws -> Bool {
    let bundle = channel.bundle
    guard let consenter = try consenter(for: bundle) as? any ClusterConsenter else {
      throw RegistrarError(
        "channels of consensus type \(bundle.orderer?.consensusType ?? "") cannot be followed")
    }
    let membership = FollowedMembership.afterOrdering(consenter.role(in: bundle))
    guard !membership.isStale else { return false }
    try await consenter.removeData(of: channel.id)
    return true
  }

  // MARK: From following to ordering

  /// Makes a chain in place of a follower that has come to its end. What fails is recorded.
  func orderInstead(_ channelID: String) async {
    guard case .following(let follower)? = map.read({ $0.states[channelID] }) else { return }
    do {
      let channel = try show(ordering: follower.store, try Self.bundle(of: follower.store))
      guard await start(.ordered(channel)) else { return }
      logger.info("Created and started channel \(channelID), height \(channel.tip.height)")
    } catch is IllegalTransition {
      return  // It has been removed meanwhile.
    } catch { return fail(channelID, "\(error)") }
    do { try await ledgers.joins?.remove(channelID) } catch {
      // The next start does it.
      logger.warning("[channel: \(channelID)] The join block cannot be deleted: \(error)")
    }
  }
}

/// The registrar, as what pulls the blocks of one of its channels sees it.
struct FollowedChannel: FollowerSupport {
  weak let registrar: Registrar?
  let id: String

  func role(in bundle: ConfigBundle) -> ConsensusRole {
    guard let registrar, let consenter = try? registrar.consenter(for: bundle) else {
      return .neither
    }
    return consenter.role(in: bundle)
  }

  func configured(_ bundle: ConfigBundle) { registrar?.onConfiguration(bundle) }

  func forgetConsensus() async throws {
    try await registrar?.forgetConsensus(of: id)
  }

  func participationChanged() { registrar?.tellParticipation(in: id) }

  func orderInstead() async { await registrar?.orderInstead(id) }

  func fail(reason: String) { registrar?.fail(id, reason) }
}
