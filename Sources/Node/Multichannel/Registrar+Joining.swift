// Channels that an operator has this node join.

import BlockLedger
import Blocks
import ChannelConfig
import FabricProtos
import Followers
import Ordering

extension Registrar {
  /// Joins a channel (Fabric: `Registrar.JoinChannel`). If it fails, nothing is left of it.
  ///
  /// Each step can be repeated: what a crash cuts short goes on when the node starts. Another join or
  /// removal of the same channel waits for this one to end. The caller's cancellation has no effect.
  ///
  /// - Returns: what this node is to the channel now.
  package func join(_ join: JoinBlock) async throws(ParticipationRefusal) -> ChannelInfo {
    try await Task { () async -> Result<ChannelInfo, ParticipationRefusal> in
      await self.carryOut(join)
    }.value.get()
  }

  private func carryOut(_ join: JoinBlock) async -> Result<ChannelInfo, ParticipationRefusal> {
    let channelID = join.channelID
    let begun: Result<Void, ParticipationRefusal> = await map.wait { map in
      if case .joining = map.states[channelID] { return nil }
      return Result { () throws(ParticipationRefusal) in
        try map.beginJoin(channelID, isSystemChannel: join.isOfSystemChannel)
      }
    }
    if case .failure(let refusal) = begun { return .failure(refusal) }
    do {
      let info = try await makeChannel(join)
      logger.info(
        """
        Joining channel: {\(info.name) \(info.participation.relation.rawValue) \
        \(info.participation.status.rawValue) \(info.height)}
        """)
      return .success(info)
    } catch {
      logger.warning("[channel: \(channelID)] The channel was not joined: \(error)")
      await undoJoin(of: channelID)
      return .failure(.other("\(error)"))
    }
  }

  /// Takes the steps of a join, after it was allowed.
  private func makeChannel(_ join: JoinBlock) async throws -> ChannelInfo {
    guard let joins = ledgers.joins else {
      throw RegistrarError("channels can be joined only with General.LedgerType: file")
    }
    _ = try role(in: join)
    try await joins.save(join.channelID, join.bytes)
    if join.isOfSystemChannel { return try await awaitRestart(with: join) }
    let opened = try await takePart(in: try await ledgers.openOrCreate(join.channelID), join)
    try learn(opened)
    // Told before anything starts, as of a channel that has just been made.
    let channel = try show(opened)
    let info = try info(of: join.channelID)
    _ = await start(channel)
    return info
  }

  /// A system channel changes what the node is, so it comes with the next start (Fabric: `joinSystemChannel`).
  private func awaitRestart(with join: JoinBlock) async throws -> ChannelInfo {
    let name = join.channelID
    logger.info("Joining system channel '\(name)', with config block number: \(join.number)")
    let store = try await ledgers.openOrCreate(name)
    if join.number == 0, store.height == 0 { try await append(join.block, to: store) }
    try map.change { map throws in
      try map.read(name, isSystemChannel: true)
      try map.change(name) { state throws(IllegalTransition) in
        try state.awaitRestart(height: store.height)
      }
    }
    onChannel(name, .unavailable(ChannelMap.restartIsNeeded))
    tellParticipation(in: name)
    let info = try info(of: name)
    logger.info(
      """
      System channel creation pending: server requires restart! ChannelInfo: {\(info.name) \
      \(info.participation.relation.rawValue) \(info.participation.status.rawValue) \(info.height)}
      """)
    return info
  }

  /// What this node has to do for the channel of a join block.
  ///
  /// - Throws: ``RegistrarError`` if it cannot take part in that channel.
  func role(in join: JoinBlock) throws(RegistrarError) -> ConsensusRole {
    let bundle = join.bundle
    guard bundle.orderer != nil else {
      throw RegistrarError("config does not contain orderer config")
    }
    do { try bundle.checkCapabilitiesSupported() } catch { throw RegistrarError("\(error)") }
    guard let consenter = try consenter(for: bundle) as? any ClusterConsenter else {
      throw RegistrarError(
        """
        channels of consensus type \(bundle.orderer?.consensusType ?? "") are created through a system \
        channel, they cannot be joined
        """)
    }
    return consenter.role(in: bundle)
  }

  /// Removes what a join has made before it failed. What cannot be removed now is left as a removal that
  /// has failed.
  private func undoJoin(of channelID: String) async {
    do {
      try await removeData(of: channelID)
      try map.change { map throws(IllegalTransition) in try map.forget(channelID) }
    } catch {
      logger.error("[channel: \(channelID)] Not all of a failed join could be removed: \(error)")
      failRemoval(of: channelID, "\(error)")
    }
  }

  // MARK: Going on

  /// The join block that was noted for a channel; nil if there is none.
  ///
  /// - Throws: ``RegistrarError`` if it cannot be used.
  func joinBlock(of channelID: String) async throws -> JoinBlock? {
    guard let joins = ledgers.joins, let bytes = try await joins.read(channelID) else { return nil }
    let problem: String
    do throws(NotAJoinBlock) {
      let join = try JoinBlock(bytes)
      if join.channelID == channelID { return join }
      problem = "it is of channel \(join.channelID)"
    } catch { problem = "\(error)" }
    throw RegistrarError(
      """
      the join block in \(joins.path) cannot be used: \(problem); remove the channel, then join it again
      """)
  }

  /// Finds out what this node has to do for a channel whose ledger is open, and writes the genesis block if
  /// the channel begins here.
  ///
  /// - Parameter join: The block that the channel is being joined with, if it is.
  func takePart(in store: any BlockStore, _ join: JoinBlock?) async throws -> OpenedChannel {
    if let join, store.height <= join.number {
      let role: ConsensusRole
      do throws(RegistrarError) { role = try self.role(in: join) } catch {
        return OpenedChannel(store: store, bundle: join.bundle, part: .none(error))
      }
      guard join.number == 0, role == .consenter else {
        let bundle = store.height > 0 ? try Self.bundle(of: store) : nil
        let follower = makeFollower(store, bundle: bundle, join: join)
        return OpenedChannel(store: store, bundle: join.bundle, part: .onboards(follower))
      }
      try await append(join.block, to: store)
    }
    let bundle = try Self.bundle(of: store)
    let part = part(in: store, bundle)
    // The ledger has all that the join promised.
    if case .member(.consenter) = part, join != nil {
      try await ledgers.joins?.remove(store.channelID)
    }
    return OpenedChannel(store: store, bundle: bundle, part: part)
  }

  /// What this node has to do for a channel, by the configuration at the end of its ledger.
  private func part(in store: any BlockStore, _ bundle: ConfigBundle) -> OpenedChannel.Part {
    do throws(RegistrarError) {
      return .member(try consenter(for: bundle).role(in: bundle))
    } catch { return .none(error) }
  }
}
