// Messages of other nodes: whether they are taken at all, what their term means, and who handles them.

extension RaftCore {
  /// Takes a message of another node. The shell checks that it was meant for this one.
  package mutating func step(_ message: Message) throws(StepRefusal) {
    if let fault { throw .halted(fault) }
    guard !message.kind.isLocal else { throw .local(message.kind) }
    if let problem = message.problem { throw .malformed(problem) }
    if message.kind.isResponse, !progress.contains(message.from) {
      throw .unknownPeer(message.from)
    }
    if let problem = impossibility(of: message) { throw .malformed(problem) }
    guard admits(message) else { return }
    try dispatch(message)
  }

  /// Why no other node can have sent this to this one.
  private func impossibility(of message: Message) -> String? {
    if message.from == id, message.kind.hasTerm { return "a message from this node itself" }
    let isAcknowledgement = message.kind == .appendResponse && !message.reject
    if isAcknowledgement, isLeader, message.term == term, message.index > log.lastIndex {
      return "an acknowledgement of index \(message.index), which was never sent"
    }
    return nil
  }

  /// Steps down for higher terms, and answers what belongs to lower ones.
  ///
  /// - Returns: Whether the message is of the term of now.
  private mutating func admits(_ message: Message) -> Bool {
    // Proposals and requests for reads have no term.
    if message.term == 0 || message.term == term { return true }
    if message.term < term {
      answerLowerTerm(message)
      return false
    }
    if message.isVoteRequest, message.context != Self.transferContext, isInLease {
      // The leader was heard of: the candidate must not disturb it.
      events.append(
        .voteIgnored(
          voteRequest(message), remainingTicks: configuration.electionTick - electionElapsed))
      return false
    }
    switch message.kind {
    case .preVote: break
    // It carries the term that was asked for, which begins only with the election.
    case .preVoteResponse where !message.reject: break
    default:
      events.append(.higherTerm(message.kind, from: message.from, term: message.term, own: term))
      becomeFollower(message.term, leader: message.isFromLeader ? message.from : 0)
    }
    return true
  }

  private var isInLease: Bool {
    configuration.checkQuorum && leader != 0 && electionElapsed < configuration.electionTick
  }

  private mutating func answerLowerTerm(_ message: Message) {
    let watchesTerms = configuration.checkQuorum || configuration.preVote
    if watchesTerms, message.kind == .heartbeat || message.kind == .append {
      // From a leader that does not know of this term, and would never learn of it by votes that are ignored.
      send(Message(.appendResponse, to: message.from))
    } else if message.kind == .preVote {
      // From a node that may have the better log but a lower term; silence could leave both without a leader.
      events.append(.voteRejected(voteRequest(message)))
      send(Message(.preVoteResponse, to: message.from, term: term, reject: true))
    } else {
      events.append(.lowerTerm(message.kind, from: message.from, term: message.term, own: term))
    }
  }

  private mutating func dispatch(_ message: Message) throws(StepRefusal) {
    switch message.kind {
    case .vote, .preVote: handleVoteRequest(message)
    case .voteResponse, .preVoteResponse: handleVoteResponse(message)
    case .append, .heartbeat, .snapshot: handleLeader(message)
    case .appendResponse: handleAppendResponse(message)
    case .heartbeatResponse: handleHeartbeatResponse(message)
    case .propose:
      let changes = message.entries.map { $0.kind == .normal ? nil : MembershipChange(steps: []) }
      do { try propose(message.entries, from: message.from, changes: changes) } catch {
        throw .dropped(error)
      }
    case .transferLeader: transfer(message)
    case .timeoutNow: handleTimeoutNow(message)
    case .readIndex: read(message)
    case .readIndexResponse: handleReadResponse(message)
    case .hup, .beat, .unreachable, .snapshotStatus, .checkQuorum, .storageAppend,
      .storageAppendResponse, .storageApply, .storageApplyResponse, .forgetLeader:
      break
    }
  }

  // MARK: Sending

  /// Gives a message its sender and term, and lets it leave: at once, or, if it makes a promise that rests on what is
  /// not persisted, after that.
  mutating func send(_ message: Message) {
    var message = message
    if message.from == 0 { message.from = id }
    switch message.kind {
    case .vote, .preVote, .voteResponse, .preVoteResponse:
      // Without a term nobody could answer; it is 0 only before the first election.
      guard message.term != 0 else { return }
    case .propose, .readIndex: break
    default: message.term = term
    }
    switch message.kind {
    // A candidate that a crash makes forget its term could lead in it twice, with two logs.
    case .vote, .appendResponse, .voteResponse, .preVoteResponse: responses.append(message)
    default: if message.to != id { messages.append(message) }
    }
  }
}

extension Message {
  var isVoteRequest: Bool { kind == .vote || kind == .preVote }

  /// Whether only the leader of its term sends it.
  var isFromLeader: Bool { kind == .append || kind == .heartbeat || kind == .snapshot }
}
