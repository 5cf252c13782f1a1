// What a leader does: append, and hear how far the others have come.

extension RaftCore {
  // MARK: Proposals

  @discardableResult
  mutating func propose(
    _ entries: [Entry], from proposer: NodeID, changes: [MembershipChange?]
  ) throws(ProposalRefusal) -> LogIndex? {
    if let fault { throw .halted(fault) }
    guard !entries.isEmpty else { throw .nothing }
    // From elsewhere only an order to leave can be read, since it has no data.
    let isReadable =
      proposer == id
      || entries.allSatisfy { $0.kind == .normal || $0.kind == .changeV2 && $0.data.isEmpty }
    guard isReadable else {
      events.append(.changeFromElsewhere(from: proposer))
      throw .changeFromElsewhere
    }
    switch role {
    case .preCandidate, .candidate:
      events.append(.proposalWithoutLeader(term: term))
      throw .noLeader
    case .follower(let leader):
      try forward(entries, from: proposer, changes, to: leader)
      return nil
    case .leader(let office):
      guard progress.contains(id) else { throw .removed }
      guard office.transferee == 0 else {
        events.append(.proposalDuringTransfer(term: term, to: office.transferee))
        throw .transferring(to: office.transferee)
      }
      let entries = zip(entries, changes).enumerated().map { place, proposal in
        checked(proposal.0, proposal.1, at: log.lastIndex + LogIndex(place) + 1)
      }
      guard appendAsLeader(entries) else { throw .tooMuchUncommitted }
      broadcastAppend()
      return log.lastIndex
    }
  }

  private mutating func forward(
    _ entries: [Entry], from proposer: NodeID, _ changes: [MembershipChange?], to leader: NodeID
  ) throws(ProposalRefusal) {
    guard leader != 0 else {
      events.append(.proposalWithoutLeader(term: term))
      throw .noLeader
    }
    guard !configuration.disableProposalForwarding else {
      events.append(.proposalNotForwarded(leader: leader, term: term))
      throw .notLeader(leader: leader)
    }
    guard changes.allSatisfy({ $0?.leavesJoint ?? true }) else {
      events.append(.changeFromElsewhere(from: proposer))
      throw .changeFromElsewhere
    }
    send(Message(.propose, to: leader, from: proposer, entries: entries))
  }

  /// An entry as it may be appended: an empty one in place of a change that must not come now.
  private mutating func checked(
    _ entry: Entry, _ change: MembershipChange?, at index: LogIndex
  ) -> Entry {
    guard let change, let office else { return entry }
    let isJoint = members.voters.isJoint
    let reason: String? =
      if office.pendingChange > log.applied {
        """
        possible unapplied conf change at index \(office.pendingChange) (applied to \(log.applied))
        """
      } else if isJoint, !change.steps.isEmpty {
        "must transition out of joint config first"
      } else if !isJoint, change.steps.isEmpty {
        "not in joint state; refusing empty conf change"
      } else {
        nil
      }
    if let reason, !configuration.disableChangeValidation {
      events.append(
        .changeIgnored(change.etcdText(as: entry.kind), members: members, reason: reason))
      return Entry()
    }
    updateOffice { $0.pendingChange = index }
    return entry
  }

  /// Appends entries with this term behind the last. Empty ones are never refused.
  mutating func appendAsLeader(_ entries: [Entry]) -> Bool {
    let size = entries.reduce(0) { $0 + $1.data.count }
    let limit = configuration.maxUncommittedSize
    let isTaken = updateOffice { office in
      let isOver = size > limit || office.uncommittedSize > limit - size
      guard office.uncommittedSize == 0 || size == 0 || !isOver else { return false }
      office.uncommittedSize += size
      return true
    }
    guard isTaken == true else {
      events.append(.uncommittedLimit)
      return false
    }
    var index = log.lastIndex
    let term = term
    log.append(
      entries.map { entry in
        index += 1
        return Entry(kind: entry.kind, term: term, index: index, data: entry.data)
      }, &events)
    // It counts for itself once that is persisted.
    send(Message(.appendResponse, to: id, index: index))
    return true
  }

  // MARK: Answers

  mutating func handleAppendResponse(_ message: Message) {
    guard let office else { return }
    guard progress.update(message.from, { $0.hear(at: office.ticks) }) != nil else {
      return events.append(.noProgress(of: message.from))
    }
    if message.reject { handleRejection(message) } else { handleAcknowledgement(message) }
  }

  private mutating func handleRejection(_ message: Message) {
    let node = message.from
    let hint = LogPosition(term: message.logTerm, index: message.rejectHint)
    events.append(.appendRejected(by: node, index: message.index, hint: hint))
    // Terms only grow in a log, so the logs cannot agree where this one has a higher term than the follower's
    // last: one probe for each term at the most. Without a term (1.4) the index has to do.
    let next =
      hint.term > 0
      ? log.tail.conflict(upTo: hint.index, term: hint.term).index : hint.index
    guard progress.update(node, { $0.decrease(rejected: message.index, hint: next) }) == true,
      let decreased = progress[node]
    else { return }
    events.append(.progressDecreased(node, decreased))
    if decreased.isReplicating { progress.update(node) { $0.becomeProbe() } }
    sendAppend(to: node)
  }

  private mutating func handleAcknowledgement(_ message: Message) {
    let node = message.from
    guard let before = progress[node] else { return }
    let isNews = progress.update(node) { $0.update(to: message.index) } == true
    guard isNews || before.match == message.index && before.isProbing else { return }
    follow(node, acknowledged: message.index)
    if commitAsLeader() {
      releaseEarlyReads()
      broadcastAppend()
    } else if node != id, progress[node]?.canBumpCommit(to: log.committed) == true {
      sendAppend(to: node)
    }
    // There may be room for several messages now.
    if node != id { sendEntries(to: node) }
    if let office, office.transferee == node, progress[node]?.match == log.lastIndex {
      events.append(.timeoutNowSent(to: node, atOnce: false))
      send(Message(.timeoutNow, to: node))
    }
  }

  private mutating func follow(_ node: NodeID, acknowledged index: LogIndex) {
    guard let state = progress[node] else { return }
    switch state.state {
    case .probe: progress.update(node) { $0.becomeReplicate() }
    case .snapshot where state.match + 1 >= log.firstIndex:
      // Whatever snapshot it has, the log goes on from there.
      events.append(.recoveredFromSnapshot(node, state))
      progress.update(node) {
        $0.becomeProbe()
        $0.becomeReplicate()
      }
    case .snapshot: break
    case .replicate: progress.update(node) { $0.free(through: index) }
    }
  }

  /// Commits what a quorum has, if that is of this term: earlier entries are only committed along with it
  /// (paper, 5.4.2).
  ///
  /// - Returns: Whether more is committed than before.
  mutating func commitAsLeader() -> Bool {
    let progress = progress
    let index = members.voters.committed { progress[$0]?.match }
    guard index > log.committed, index <= log.lastIndex, log.term(at: index) == term else {
      return false
    }
    log.commit(to: index)
    return true
  }

  mutating func handleHeartbeatResponse(_ message: Message) {
    guard let office else { return }
    let node = message.from
    progress.update(node) {
      $0.hear(at: office.ticks)
      $0.resumeFlow()
    }
    guard let state = progress[node] else { return events.append(.noProgress(of: node)) }
    // A full window lets an empty message through, in case all in it were lost; a probe of a complete log goes
    // out too, so that its answer ends the probing.
    if state.match < log.lastIndex || state.isProbing { sendAppend(to: node) }
    if configuration.readSafety == .quorum, !message.context.isEmpty { confirmReads(message) }
  }

  // MARK: Transfer

  mutating func transfer(_ message: Message) {
    switch role {
    case .preCandidate, .candidate: break
    case .follower(leader: 0): events.append(.transferWithoutLeader(term: term))
    case .follower(let leader):
      var message = message
      message.to = leader
      send(message)
    case .leader(let office): transferAsLeader(office, to: message.from)
    }
  }

  private mutating func transferAsLeader(_ office: Office, to node: NodeID) {
    guard let state = progress[node] else { return events.append(.noProgress(of: node)) }
    guard !state.isLearner else { return events.append(.transferToLearner) }
    if office.transferee != 0 {
      guard office.transferee != node else {
        return events.append(.transferInProgress(term: term, to: node))
      }
      updateOffice { $0.transferee = 0 }
      events.append(.transferAborted(term: term, to: office.transferee))
    }
    guard node != id else { return events.append(.transferToSelf) }
    events.append(.transferStarted(term: term, to: node))
    electionElapsed = 0
    updateOffice { $0.transferee = node }
    if state.match == log.lastIndex {
      send(Message(.timeoutNow, to: node))
      events.append(.timeoutNowSent(to: node, atOnce: true))
    } else {
      sendAppend(to: node)
    }
  }
}
