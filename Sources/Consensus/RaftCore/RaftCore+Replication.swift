// What a leader sends its followers.

extension RaftCore {
  mutating func broadcastAppend() {
    for node in progress.nodes where node != id { sendAppend(to: node) }
  }

  /// Sends entries, or without any the commit index.
  mutating func sendAppend(to node: NodeID) { sendAppend(to: node, ifEmpty: true) }

  /// Sends as many messages with entries as there is room for.
  mutating func sendEntries(to node: NodeID) {
    while sendAppend(to: node, ifEmpty: false) {}
  }

  /// Sends one message, if the follower's progress allows it.
  ///
  /// - Parameters:
  ///   - ifEmpty: Whether a message without entries is worth sending.
  ///   - loaded: Entries that came from the disk, for this follower, from its next one on.
  /// - Returns: Whether one was sent.
  @discardableResult
  mutating func sendAppend(to node: NodeID, ifEmpty: Bool, loaded: [Entry] = []) -> Bool {
    guard let state = progress[node], !state.isPaused else { return false }
    guard let previousTerm = log.term(at: state.next - 1) else {
      return sendSnapshot(to: node, state)
    }
    var entries: [Entry] = []
    // Through a full window only an empty message goes: if all in it were lost, the answer to that frees it.
    if !state.isReplicating || !state.inflights.isFull, state.next <= log.lastIndex {
      if loaded.isEmpty {
        guard let found = entriesInMemory(from: state.next, for: node) else { return false }
        entries = found
      } else {
        entries = loaded
      }
    }
    guard !entries.isEmpty || ifEmpty else { return false }
    send(
      Message(
        .append, to: node, logTerm: previousTerm, index: state.next - 1, entries: entries,
        commit: log.committed))
    let commit = log.committed
    progress.update(node) {
      $0.sent(entries: entries.count, size: entries.reduce(0) { $0 + $1.data.count })
      $0.sent(commit: commit)
    }
    return true
  }

  /// Nil if they have to be read first.
  private mutating func entriesInMemory(from first: LogIndex, for node: NodeID) -> [Entry]? {
    let range = first..<(log.lastIndex + 1)
    if first >= log.tail.firstInMemory {
      return log.tail.slice(range, maxSize: configuration.maxMessageSize)
    }
    request(
      first..<log.tail.firstInMemory, for: .replicating(to: node),
      maxSize: configuration.maxMessageSize)
    return nil
  }

  private mutating func sendSnapshot(to node: NodeID, _ state: Progress) -> Bool {
    guard state.isRecentlyActive else {
      events.append(.snapshotToInactive(node))
      return false
    }
    guard !snapshot.isEmpty, snapshot.index >= log.tail.base.index else {
      events.append(.snapshotUnavailable(for: node))
      return false
    }
    events.append(
      .snapshotSent(
        to: node, state, first: log.firstIndex, commit: log.committed,
        snapshot: LogPosition(term: snapshot.term, index: snapshot.index)))
    let index = snapshot.index
    progress.update(node) { $0.becomeSnapshot(pending: index) }
    if let paused = progress[node] { events.append(.replicationPaused(node, paused)) }
    send(Message(.snapshot, to: node, snapshot: snapshot))
    return true
  }

  // MARK: Heartbeats

  mutating func broadcastHeartbeat() {
    broadcastHeartbeat(office?.reads.newestContext ?? [])
  }

  mutating func broadcastHeartbeat(_ context: ArraySlice<UInt8>) {
    for node in progress.nodes where node != id {
      guard let state = progress[node] else { continue }
      // Beyond what the follower is known to have, it might have something else.
      let commit = min(state.match, log.committed)
      send(Message(.heartbeat, to: node, commit: commit, context: context))
      progress.update(node) { $0.sent(commit: commit) }
    }
  }

  // MARK: Entries that are on the disk alone

  /// Asks for entries, unless that was done for this purpose.
  mutating func request(_ range: Range<LogIndex>, for purpose: LogRead.Purpose, maxSize: Int) {
    guard !openReads.contains(where: { $0.purpose == purpose }) else { return }
    readNumber += 1
    let read = LogRead(number: readNumber, purpose: purpose, range: range, maxSize: maxSize)
    openReads.append(read)
    newReads.append(read)
  }

  /// Answers a read.
  ///
  /// - Parameter entries: From the first wanted one on. None if they are not there any more, or cannot be read now:
  ///   then what is to be applied is asked for again at once, and what is to be sent after the next heartbeat.
  package mutating func loaded(_ read: LogRead, _ entries: [Entry]) {
    guard fault == nil, let place = openReads.firstIndex(of: read) else { return }
    openReads.remove(at: place)
    let isOfLog = entries.enumerated().allSatisfy { place, entry in
      entry.index == read.range.lowerBound + LogIndex(place) && entry.index < read.range.upperBound
        && log.tail.matches(entry.position)
    }
    guard isOfLog, !entries.isEmpty else { return }
    switch read.purpose {
    case .applying: loadedEntries = entries
    case .replicating(let node):
      guard isLeader else { return }
      if progress[node]?.next == read.range.lowerBound {
        let count = Entry.fitting(entries[...], configuration.maxMessageSize)
        sendAppend(to: node, ifEmpty: false, loaded: Array(entries.prefix(count)))
      }
      sendEntries(to: node)
    }
  }
}
