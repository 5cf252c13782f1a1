// What is to be done, and what the shell tells when it is done.

extension RaftCore {
  /// Whether ``ready()`` has anything to give.
  package var hasReady: Bool {
    guard fault == nil else { return false }
    return softState != knownSoftState || hardState != knownHardState || !messages.isEmpty
      || !responses.isEmpty || !readStates.isEmpty || !newReads.isEmpty || log.hasUnwritten
      || isSnapshotPending || canApply
  }

  private var isSnapshotPending: Bool {
    if case .pending = log.incoming { true } else { false }
  }

  /// Whether there is something to apply, or to be asked for.
  private var canApply: Bool {
    guard let range = log.applicable else { return false }
    return range.lowerBound >= log.tail.firstInMemory
      || loadedEntries.first?.index == range.lowerBound
      || !openReads.contains { $0.purpose == .applying }
  }

  /// All that is to be done and was not given out before.
  package mutating func ready() -> Ready {
    var ready = Ready()
    guard fault == nil else { return ready }
    if softState != knownSoftState {
      ready.softState = softState
      knownSoftState = softState
    }
    ready.readStates = take(&readStates)
    ready.persist = nextPersist()
    ready.committed = nextCommitted()
    ready.messages = take(&messages)
    ready.reads = take(&newReads)
    return ready
  }

  private func take<Element>(_ list: inout [Element]) -> [Element] {
    let taken = list
    list = []
    return taken
  }

  // MARK: Persisting

  private mutating func nextPersist() -> Persist? {
    let entries = log.nextUnwritten()
    var incoming: Snapshot?
    if case .pending(let snapshot) = log.incoming { incoming = snapshot }
    let hardState = hardState
    let isChanged = hardState != knownHardState
    guard !entries.isEmpty || isChanged || incoming != nil || !responses.isEmpty else {
      return nil
    }
    var persist = Persist(
      entries: entries, hardState: isChanged ? hardState : nil, snapshot: incoming,
      mustSync: !entries.isEmpty || incoming != nil || hardState.term != knownHardState.term
        || hardState.vote != knownHardState.vote, responses: take(&responses))
    if let answer = storageAnswer(incoming) { persist.responses.append(answer) }
    knownHardState = hardState
    log.handedOutToPersist()
    return persist
  }

  /// The message that tells this node that its log is on the disk. It comes behind the node's own
  /// acknowledgements, which still find the entries in memory.
  ///
  /// It names the last entry of now, also if that was handed out before, and the term of now. In a later term it does
  /// not count: the entries may have been replaced and put back since, and what replaced them may still be on its
  /// way to the disk.
  private func storageAnswer(_ incoming: Snapshot?) -> Message? {
    guard log.hasUnpersisted || incoming != nil else { return nil }
    let last = log.hasUnpersisted ? log.last : LogPosition()
    return Message(
      .storageAppendResponse, to: id, from: Self.appendThread, term: term, logTerm: last.term,
      index: last.index, snapshot: incoming)
  }

  /// What was handed out is on the disk, synced, as is all that was handed out before.
  package mutating func persisted(_ persist: Persist) {
    for message in persist.responses where message.to == id { acknowledge(message) }
  }

  /// Takes one response of a ``Persist`` that goes to this node. ``persisted(_:)`` does so for all of them.
  package mutating func acknowledge(_ message: Message) {
    guard fault == nil, message.to == id else { return }
    switch message.kind {
    case .storageAppendResponse: acknowledgeStorage(message)
    case .appendResponse where message.term == term: handleAppendResponse(message)
    case .voteResponse where message.term == term: handleVoteResponse(message)
    case .preVoteResponse where message.term >= term: handleVoteResponse(message)
    case .appendResponse, .voteResponse, .preVoteResponse:
      events.append(.lowerTerm(message.kind, from: message.from, term: message.term, own: term))
    default: break
    }
  }

  private mutating func acknowledgeStorage(_ message: Message) {
    if message.index != 0 {
      if message.term == term {
        log.persisted(LogPosition(term: message.logTerm, index: message.index), &events)
      } else {
        events.append(.persistedInEarlierTerm(term: message.term, own: term))
      }
    }
    guard let incoming = message.snapshot else { return }
    log.snapshotPersisted(incoming.index)
    if incoming.index > snapshot.index { snapshot = incoming }
    finishApplying(through: incoming.index)
  }

  // MARK: Applying

  private mutating func nextCommitted() -> [Entry] {
    guard let range = log.applicable else { return [] }
    var entries: [Entry]
    if range.lowerBound >= log.tail.firstInMemory {
      entries = log.tail.slice(range, maxSize: log.applicableSize)
    } else if loadedEntries.first?.index == range.lowerBound {
      entries = loadedEntries.filter { range.contains($0.index) }
      entries = Array(entries.prefix(Entry.fitting(entries[...], log.applicableSize)))
    } else {
      request(
        range.lowerBound..<min(range.upperBound, log.tail.firstInMemory), for: .applying,
        maxSize: log.applicableSize)
      return []
    }
    loadedEntries = []
    log.handedOutToApply(entries)
    return entries
  }

  /// The state machine has done all up to an index. No news if a snapshot went beyond it in the meantime.
  package mutating func applied(through index: LogIndex) {
    guard fault == nil else { return }
    guard index <= log.applying else {
      return fail(.appliedOutOfRange(index, handedOut: log.applying))
    }
    finishApplying(through: index)
  }

  private mutating func finishApplying(through index: LogIndex) {
    let dataSize = log.applied(through: max(index, log.applied))
    leaveJoint()
    updateOffice { $0.uncommittedSize = max($0.uncommittedSize - dataSize, 0) }
  }
}
