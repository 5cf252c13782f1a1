// Reads that see all that was written before them.

extension RaftCore {
  /// Reads that a leader lets wait; further ones are dropped, as messages may be.
  static let maximumReads = 4096

  mutating func read(_ message: Message) {
    switch role {
    case .preCandidate, .candidate: break
    case .follower(leader: 0): events.append(.readWithoutLeader(term: term))
    case .follower(let leader):
      var message = message
      message.to = leader
      send(message)
    case .leader(let office):
      // What earlier leaders have committed is known only once something of this term is.
      if log.term(at: log.committed) == term { return readAsLeader(message) }
      guard office.earlyReads.count < Self.maximumReads else { return }
      updateOffice { $0.earlyReads.append(message) }
    }
  }

  private mutating func readAsLeader(_ message: Message) {
    guard configuration.readSafety == .quorum, members.voters.voters != [id] else {
      return answer(message, index: log.committed)
    }
    let context = message.entries.first?.data ?? []
    let index = log.committed
    let me = id
    updateOffice { office in
      guard office.reads.count < Self.maximumReads else { return }
      office.reads.add(message, context: context, index: index)
      _ = office.reads.confirm(context, by: me)
    }
    broadcastHeartbeat(context)
  }

  /// Something of this term is committed.
  mutating func releaseEarlyReads() {
    guard let office, !office.earlyReads.isEmpty, log.term(at: log.committed) == term else {
      return
    }
    updateOffice { $0.earlyReads = [] }
    for message in office.earlyReads { readAsLeader(message) }
  }

  /// An answer to a heartbeat that carried a read's context.
  mutating func confirmReads(_ message: Message) {
    let confirmed = updateOffice { $0.reads.confirm(message.context, by: message.from) } ?? []
    guard members.voters.outcome({ confirmed.contains($0) ? true : nil }) == .won else { return }
    let released = updateOffice { $0.reads.release(through: message.context) } ?? []
    for read in released { answer(read.request, index: read.index) }
  }

  private mutating func answer(_ request: Message, index: LogIndex) {
    if request.from == 0 || request.from == id {
      readStates.append(ReadState(index: index, context: request.entries.first?.data ?? []))
    } else {
      send(
        Message(.readIndexResponse, to: request.from, index: index, entries: request.entries))
    }
  }

  mutating func handleReadResponse(_ message: Message) {
    guard case .follower = role, let entry = message.entries.first else { return }
    readStates.append(ReadState(index: message.index, context: entry.data))
  }
}
