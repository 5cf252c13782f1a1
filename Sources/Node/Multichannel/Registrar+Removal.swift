// Channels that an operator has this node leave.

import BlockLedger
import Concurrency
import Ordering

extension Registrar {
  /// Stops a channel and begins to remove all that this node keeps of it (Fabric:
  /// `Registrar.RemoveChannel`). Once this returns, the channel is gone for clients, also after a crash;
  /// its files follow in the background, and until then the channel is listed.
  ///
  /// A removal that fails later is told as the channel's status and in the log; it may be asked for again.
  /// The caller's cancellation has no effect.
  package func remove(_ channelID: String) async throws(ParticipationRefusal) {
    try await Task { () async -> Result<Void, ParticipationRefusal> in
      await self.beginRemoval(of: channelID)
    }.value.get()
  }

  private func beginRemoval(of channelID: String) async -> Result<Void, ParticipationRefusal> {
    let begun: Result<ChannelMap.State, ParticipationRefusal> = await map.wait { map in
      if case .joining = map.states[channelID] { return nil }
      return Result { () throws(ParticipationRefusal) in try map.beginRemoval(channelID) }
    }
    let was: ChannelMap.State
    switch begun {
    case .failure(let refusal): return .failure(refusal)
    case .success(let state): was = state
    }
    let isSystemChannel = systemChannelID == channelID
    if isSystemChannel { await tracker.reset() }
    await halt(was)
    do {
      try await ledgers.beginRemoval(channelID)
    } catch {
      failRemoval(of: channelID, "\(error)")
      return .failure(.other("\(error)"))
    }
    if isSystemChannel { return await finishRemovalOfSystemChannel(channelID) }
    Task { await finishRemoval(of: channelID) }
    return .success(())
  }

  /// Stops a channel that is going to be removed.
  private func halt(_ state: ChannelMap.State) async {
    switch state {
    case .ordering(let channel), .tracking(let channel):
      await halt(channel, because: "the channel was removed from this orderer")
    case .following(let follower): await follower.halt()
    case .opening, .joining, .awaitingRestart, .failed, .beingRemoved: break
    }
  }

  /// Removes a system channel that has halted, and the channels that it alone had this node know. Those that the node
  /// orders go on; from now on channels are joined and left one by one (Fabric: `removeSystemChannel`).
  private func finishRemovalOfSystemChannel(
    _ channelID: String
  ) async -> Result<Void, ParticipationRefusal> {
    var failed: [String] = []
    while let name = map.change({ $0.beginRemovalOfTracked() }) {
      logger.debug("not a member of channel \(name), removing it")
      if await !finishRemoval(of: name) { failed.append(name) }
    }
    guard await finishRemoval(of: channelID) else {
      return .failure(.other("failed removing ledger for system channel \(channelID)"))
    }
    logger.info("removed system channel: \(channelID)")
    guard failed.isEmpty else {
      return .failure(
        .other("failed removing ledger for channel(s): \(failed.joined(separator: ", "))"))
    }
    reportChannels()
    return .success(())
  }

  /// Deletes what is left of a channel that is being removed.
  ///
  /// - Returns: whether nothing is left.
  @discardableResult
  private func finishRemoval(of channelID: String) async -> Bool {
    do {
      try await removeData(of: channelID)
      try map.change { map throws(IllegalTransition) in try map.forget(channelID) }
      logger.info("Removed channel: \(channelID)")
      tellParticipation(in: channelID)
      return true
    } catch {
      // Once the ledgers close, a removal that is under way fails. It is noted on the disk.
      if map.read({ $0.life }) == .halted {
        logger.info("[channel: \(channelID)] The removal is finished at the next start")
      } else {
        failRemoval(of: channelID, "\(error)")
      }
      return false
    }
  }

  /// Deletes the ledger, the join block and what consenters keep of a channel, in steps that can be
  /// repeated.
  func removeData(of channelID: String) async throws {
    // Its configuration may be gone already, and so the knowledge which of the consenters ordered it.
    try await ledgers.remove(channelID) { try await self.forgetConsensus(of: channelID) }
  }

  /// Deletes what consenters keep of a channel.
  func forgetConsensus(of channelID: String) async throws {
    for consenter in clusterConsenters { try await consenter.removeData(of: channelID) }
  }

  func failRemoval(of channelID: String, _ reason: String) {
    logger.error(
      "[channel: \(channelID)] The channel could not be removed, ask for its removal again: \(reason)"
    )
    do {
      try map.change { map throws(IllegalTransition) in
        try map.change(channelID) { state throws(IllegalTransition) in
          try state.failRemoval(reason)
        }
      }
      tellParticipation(in: channelID)
    } catch { logger.critical("[channel: \(channelID)] \(error)") }
  }

  /// Finishes removals that an earlier process had begun. One that cannot be finished is left as a removal
  /// that has failed, and the other channels work.
  func finishRemovals() async throws {
    let channelIDs: [String]
    do {
      channelIDs = try ledgers.unfinishedRemovals()
    } catch { throw RegistrarError("The removals that are under way cannot be listed: \(error)") }
    for channelID in channelIDs {
      do {
        try await removeData(of: channelID)
        logger.info("Removed channel: \(channelID)")
      } catch {
        map.change { $0.addUnfinishedRemoval(channelID) }
        failRemoval(of: channelID, "\(error)")
      }
    }
  }
}
