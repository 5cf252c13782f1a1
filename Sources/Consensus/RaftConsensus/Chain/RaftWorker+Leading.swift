// How a leader makes blocks of messages.

import Ordering
import RaftCore
import RaftWire

extension RaftWorker {
  /// Orders what waits, as far as there is room for blocks.
  ///
  /// - Returns: Whether anything was proposed.
  mutating func order() throws -> Bool {
    let before = core.lastIndex
    while office.hasRoom {
      if isCutDue {
        try cut()
      } else if let next = nextMessage() {
        try order(next.message, isOwn: next.isOwn)
      } else {
        break
      }
    }
    // The slice would keep the messages in memory.
    if backlog.isEmpty { backlog = [] }
    countResubmitted(kept.takeResubmitted())
    return core.lastIndex != before
  }

  private mutating func order(_ message: OrderedMessage, isOwn: Bool) throws {
    var current = message
    if message.configSequence != rules.sequence {
      guard let valid = try chain.upToDate(message) else {
        chain.metrics.proposalFailures.increment()
        if isOwn { kept.discard(message) }
        return
      }
      current = valid
    }
    guard current.isConfig else {
      let batches = cutter.ordered(current, limits: rules.limits)
      fill.note(cuts: batches.count, isPending: !cutter.pending.isEmpty)
      for batch in batches {
        try PendingBlock(batch: batch).check(rules.limits)
        try propose(batch)
      }
      return updateTimer()
    }
    if let type = unsupportedType(in: current) {
      logger.error(
        """
        An update that changes the consensus type to \(type) is dropped: nothing leads there, and other orderers \
        would end with its block
        """)
      chain.metrics.proposalFailures.increment()
      if isOwn { kept.discard(message) }
      return
    }
    try cut()
    if concernsThisNode(current) { return giveWay(for: current, isOwn: isOwn) }
    try propose([current])
    guard office.isLeading else { return }
    logger.info("Received config transaction, pause accepting transaction till it is committed")
    office.pause(for: .configBlock)
  }

  /// The consensus type that a config message gives the channel to, if Raft leads to no such type. This node does not take
  /// such a message, but another orderer may have, whose validation has a gap there; its own followers would end with
  /// the block, because it removes all consenters (Fabric: `etcdraft.Chain.detectConfChange`).
  private func unsupportedType(in message: OrderedMessage) -> String? {
    guard case .migrated(let type)? = try? ConsensusTypeUpdate(in: message.envelope),
      type != Self.successor
    else { return nil }
    return type
  }

  /// The only consensus type that a Raft channel can migrate to, in releases from 3.0 on.
  private static let successor = "BFT"

  /// Makes a block of the messages that wait for one.
  mutating func cut() throws {
    isCutDue = false
    if let batch = cutter.cut() {
      fill.note(cuts: 1, isPending: false)
      try propose(batch)
    }
    updateTimer()
  }

  /// The timer runs while messages wait, for the time since the oldest of them came.
  private mutating func updateTimer() {
    if cutter.pending.isEmpty {
      if batchTimer.stop() { chain.stopBatchTimer() }
    } else if !batchTimer.isRunning, !isCutDue {
      chain.startBatchTimer(batchTimer.start(), for: rules.timeout)
    }
  }

  /// Puts a block into the log. If this node does not lead any more, those who keep the messages hand them to the next
  /// leader.
  private mutating func propose(_ batch: [OrderedMessage]) throws {
    let inFlight = office.inFlight
    guard let (block, entry) = office.make(batch) else { return }
    logger.info("Created block [\(block.header.number)], there are \(inFlight) blocks in flight")
    do {
      guard let index = try core.propose(entry[...]) else {
        throw ChannelFault.broken("a block was handed on to another leader")
      }
      office.proposed(at: LogPosition(term: core.term, index: index))
    } catch let refusal as RaftCore.ProposalRefusal {
      logger.warning("Block [\(block.header.number)] could not be proposed: \(refusal)")
      stepDown()
      // A leader that could not propose begins anew behind what is in its log.
      if core.softState.role == .leader { office = .elected }
    }
  }

  // MARK: Taking and leaving office

  /// Begins to make blocks once all that is in the log is in the ledger, and the members are those of the
  /// configuration.
  mutating func beginToLead() throws {
    guard case .elected = office, applying == nil, !catchingUp.isUnderWay,
      core.applied == core.lastIndex
    else { return }
    if let step = try missingChange() { return try propose(step) }
    warnOfGivenUp()
    logger.info(
      "Start accepting requests as Raft leader at block [\(applier.end.height - 1)]")
    office.lead(behind: applier.end)
    chain.take(.leading)
  }

  /// Ceases to lead, or to hand on to an earlier leader. What this node's clients handed in and is in no block goes to the
  /// next leader; what other nodes handed on, they hand on again.
  mutating func stepDown() {
    office = .none
    _ = cutter.cut()
    backlog = []
    taken = TakenSubmissions()
    kept.startOver()
    handover.led(by: core.softState.leader)
    if batchTimer.stop() { chain.stopBatchTimer() }
    isCutDue = false
    fill.note(cuts: 0, isPending: false)
    chain.metrics.isLeader.record(0)
  }

  // MARK: Members

  /// How the members of the Raft group lag behind the consenters of the configuration: a leader was lost between the
  /// config block and the change that it asks for.
  ///
  /// Whom a recovery has given up is a member without a vote, and nobody gives it back.
  private func missingChange() throws -> MembershipChange.Step? {
    let state = core.members.state
    let members = Set(state.voters + state.learners)
    let ids = Set(applier.consenters.ids)
    let (missing, surplus) = (ids.subtracting(members), members.subtracting(ids))
    switch (missing.first, missing.count, surplus.first, surplus.count) {
    case (_, 0, _, 0): return nil
    case (let id?, 1, _, 0): return MembershipChange.Step(.addVoter, id)
    case (_, 0, let id?, 1): return MembershipChange.Step(.remove, id)
    default:
      throw ChannelFault(
        """
        the Raft log has the members \(members.sorted()), and the newest block the consenters \
        \(ids.sorted()): more than one configuration lies between them, so they do not belong together
        """)
    }
  }

  /// Whom a recovery has given up must not stay for ever: nobody can be added before.
  private func warnOfGivenUp() {
    let givenUp = core.members.state.learners
    guard !givenUp.isEmpty else { return }
    logger.warning(
      """
      Consenters \(givenUp) were given up when the channel was recovered: remove them from the channel, one update \
      each, then add those that are to order it
      """)
  }

  /// Puts a change of the membership into the log.
  mutating func propose(_ step: MembershipChange.Step) throws {
    let change = MembershipChange(steps: [step])
    guard let data = change.entryData(.change) else {
      throw ChannelFault.broken("a change of one member cannot be written as such")
    }
    do {
      try core.propose(change, as: .change, data: data[...])
    } catch {
      logger.warning("Failed to propose configuration update to Raft node: \(error)")
      stepDown()
    }
  }
}
