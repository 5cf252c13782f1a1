// Who leads, and what this node does while nobody does.

import FabricProtos
import Ordering
import RaftCore

extension RaftWorker {
  // MARK: Campaigning

  /// The only voter has nobody to wait for.
  mutating func campaignIfAlone() {
    guard isOnlyVoter, core.softState.role == .follower, core.applied == core.committed else {
      return
    }
    core.campaign()
  }

  /// A new channel does not wait for an election time-out.
  mutating func campaignFirst() {
    guard campaignsFirst, leaderlessTicks % (2 * chain.options.heartbeatTicks) == 0 else { return }
    core.campaign()
  }

  // MARK: Leaders

  /// Notes who leads now.
  mutating func noteLeadership() {
    let soft = core.softState
    let now = Reign(leader: soft.leader, term: soft.leader == 0 ? 0 : core.term)
    guard now != reign else { return }
    if let reign, reign.leader != now.leader {
      logger.info("Raft leader changed: \(reign.leader) -> \(now.leader)")
      chain.metrics.leaderChanges.increment()
    }
    reign = now
    leaderlessTicks = 0
    // A transfer has got where it was to get.
    transfer = nil
    stepDown()
    if soft.role == .leader {
      office = .elected
      chain.metrics.isLeader.record(1)
    }
    noteActiveNodes()
    expectToBeTold()
    guard now.leader != 0 else { return chain.lostLeader(consenters: applier.consenters.ids.count) }
    campaignsFirst = false
    chain.take(now.leader == core.id ? .electing : .following)
    chain.hasLeader()
  }

  /// Notes who is alive; a leader knows it, others are told.
  mutating func noteActiveNodes() {
    guard core.softState.role == .leader else {
      if core.softState.leader == 0 { note(active: []) }
      return activeNodes.reset()
    }
    let active = core.activeVoters
    if activeNodes.tick(active) {
      logger.debug("Current active nodes in cluster are: \(active)")
    }
    note(active: Set(active))
  }

  /// What an earlier leader told counts no more.
  private mutating func expectToBeTold() {
    let leader = core.softState.leader
    untoldTicks = leader == 0 || leader == core.id ? nil : 0
    if untoldTicks != nil { note(active: []) }
  }

  /// A tick under another leader. One that has told nothing within an election time-out never will, as those of Go 1.4.
  /// Before that, a leader may not know itself, and would drop what this node's client was told is accepted.
  mutating func tickUntold() {
    guard let ticks = untoldTicks.map({ $0 + 1 }) else { return }
    untoldTicks = ticks
    guard ticks >= chain.options.electionTicks else { return }
    untoldTicks = nil
    note(active: nil)
  }

  /// A tick, if nobody leads: clients do not wait for ever, and this node may have been removed.
  mutating func tickWithoutLeader() {
    let hasLeader = core.softState.leader != 0
    if !hasLeader, !isElecting {
      leaderlessTicks += 1
      if leaderlessTicks == 2 * chain.options.electionTicks { chain.take(.leaderless) }
    }
    guard let silence = suspicion.tick(hasLeader: hasLeader || isElecting) else { return }
    suspectEviction(after: silence)
  }

  // MARK: Eviction

  private mutating func suspectEviction(after silence: Duration) {
    guard !isAsking, !catchingUp.isUnderWay else { return }
    logger.warning("Suspecting our own eviction from the channel for \(silence)")
    isAsking = true
    chain.askForNewestConfiguration()
  }

  /// What others say of this node's membership.
  mutating func learn(_ result: Result<Block, any Error>) throws {
    isAsking = false
    guard core.softState.leader == 0 else { return }
    switch result {
    case .failure(PullFailure.forbidden):
      cease("all other orderers refuse to give this node blocks: it was removed from the channel")
    case .failure(let error):
      logger.warning("Whether this node still is a consenter cannot be found out now: \(error)")
    case .success(let block): try learn(block)
    }
  }

  /// The newest configuration is here. If it removes this node, the others do without it: had they needed its vote, they
  /// would have made a leader with it meanwhile.
  private mutating func learnKnown(_ number: UInt64) {
    guard !applier.consenters.ids.contains(core.id) else {
      return logger.info("The newest configuration is known here: this node still is a consenter")
    }
    logger.warning("Detected our own eviction from the channel in block [\(number)]")
    logger.info("Periodic check is stopping.")
    cease(
      "block \(number) removes this node from the channel, and no leader tells it of that any more")
  }

  private mutating func learn(_ block: Block) throws {
    let number = block.header.number
    guard number >= applier.end.height, let message = block.configEnvelope else {
      return learnKnown(number)
    }
    guard let metadata = try? RaftBlockMetadata(serialized: block.consenterMetadata()),
      !metadata.consenterIDs.isEmpty
    else { return }
    guard metadata.consenterIDs.contains(core.id) else {
      logger.warning("Detected our own eviction from the channel in block [\(number)]")
      logger.info("Periodic check is stopping.")
      return cease("block \(number) removes this node from the channel")
    }
    // The others may have moved.
    guard case .written(let config)? = try? ConsensusTypeUpdate(in: message),
      let consenters = try? ConsenterSet(config.consenters, metadata: metadata)
    else { return }
    logger.info(
      "Block [\(number)], which is not here yet, names this node: it still is a consenter")
    reconnect(to: consenters)
  }

  /// A removed node answers votes until the others know of its removal.
  mutating func tickFarewell() {
    guard let ticks = farewell else { return }
    farewell = ticks - 1
    if ticks <= 1 { cease("this node was removed from the channel") }
  }

  /// Takes no part any more. The channel halts this chain soon.
  mutating func cease(_ reason: String) {
    guard !hasCeased else { return }
    hasCeased = true
    stepDown()
    chain.tick(false)
    chain.stopAsking()
    chain.cease(reason)
  }
}
