// What a node does when its leader tells it to.

extension RaftCore {
  mutating func handleLeader(_ message: Message) {
    switch role {
    // There is one leader in a term. A node that claims to be another one is ignored.
    case .leader: return
    case .preCandidate, .candidate: becomeFollower(message.term, leader: message.from)
    case .follower:
      electionElapsed = 0
      role = .follower(leader: message.from)
    }
    switch message.kind {
    case .append: handleAppend(message)
    case .heartbeat: handleHeartbeat(message)
    case .snapshot: handleSnapshot(message)
    default: break
    }
  }

  // MARK: Entries

  private mutating func handleAppend(_ message: Message) {
    let previous = LogPosition(term: message.logTerm, index: message.index)
    if let fork = committedConflict(previous, message.entries) {
      return fail(.committedOverwritten(at: fork, commit: log.committed))
    }
    if previous.index < log.committed {
      return send(Message(.appendResponse, to: message.from, index: log.committed))
    }
    guard log.tail.matches(previous) else { return reject(message, previous) }
    let last = previous.index + LogIndex(message.entries.count)
    if let conflict = log.firstConflict(message.entries) {
      if conflict.index <= log.lastIndex {
        events.append(
          .conflict(
            at: conflict.index, existing: log.term(at: conflict.index) ?? 0,
            conflicting: conflict.term))
      }
      log.append(Array(message.entries.drop { $0.index < conflict.index }), &events)
    }
    commit(to: min(message.commit, last))
    send(Message(.appendResponse, to: message.from, index: last))
  }

  /// Where the leader's entry is not the one that was committed here. That cannot be: one of the two logs is
  /// not the group's.
  private func committedConflict(_ previous: LogPosition, _ entries: [Entry]) -> LogIndex? {
    let positions = [previous] + entries.prefix { $0.index <= log.committed }.map(\.position)
    return positions.first { position in
      guard position.index <= log.committed, let ours = log.term(at: position.index) else {
        return false
      }
      return ours != position.term
    }?.index
  }

  /// Tells the leader where the logs may agree: at the last entry here whose term is not above the leader's there.
  private mutating func reject(_ message: Message, _ previous: LogPosition) {
    events.append(
      .appendMismatch(
        from: message.from, theirs: previous, ours: log.term(at: previous.index) ?? 0))
    let hint = log.tail.conflict(
      upTo: min(previous.index, log.lastIndex), term: previous.term)
    send(
      Message(
        .appendResponse, to: message.from, logTerm: hint.term, index: previous.index,
        reject: true, rejectHint: hint.index))
  }

  private mutating func handleHeartbeat(_ message: Message) {
    commit(to: message.commit)
    guard fault == nil else { return }
    send(Message(.heartbeatResponse, to: message.from, context: message.context))
  }

  /// The leader only tells of what this node has acknowledged. If it is gone, it must not be acknowledged again.
  private mutating func commit(to index: LogIndex) {
    guard index > log.committed else { return }
    guard index <= log.lastIndex else {
      return fail(.logLost(commit: index, last: log.lastIndex))
    }
    log.commit(to: index)
  }

  // MARK: Snapshots

  private mutating func handleSnapshot(_ message: Message) {
    guard let snapshot = message.snapshot else { return }
    let position = LogPosition(term: snapshot.term, index: snapshot.index)
    let isRestored = restore(snapshot, position)
    guard fault == nil else { return }
    events.append(
      isRestored
        ? .snapshotRestored(commit: log.committed, snapshot: position)
        : .snapshotIgnored(commit: log.committed, snapshot: position))
    send(
      Message(
        .appendResponse, to: message.from, index: isRestored ? log.lastIndex : log.committed))
  }

  /// - Returns: False if the snapshot is not needed.
  private mutating func restore(_ snapshot: Snapshot, _ position: LogPosition) -> Bool {
    guard snapshot.index > log.committed else { return false }
    let state = snapshot.members
    guard (state.voters + state.learners + state.votersOutgoing).contains(id) else {
      events.append(.snapshotWithoutUs(state))
      return false
    }
    if log.tail.matches(position) {
      events.append(
        .fastForwarded(commit: log.committed, last: log.last, snapshot: position))
      commit(to: snapshot.index)
      return false
    }
    var changer = MembershipChanger(
      lastIndex: snapshot.index, maximumInflight: configuration.maxInflightMessages,
      maximumInflightSize: configuration.maxInflightSize)
    do { try changer.restore(state) } catch {
      fail(.impossibleMembership(error.description))
      return false
    }
    events.append(.restoring(log: log.etcdText, snapshot: position))
    log.restore(snapshot)
    loadedEntries = []
    openReads = []
    newReads = []
    switchTo(changer)
    events.append(
      .logRestored(commit: log.committed, last: log.last, snapshot: position))
    return true
  }
}
