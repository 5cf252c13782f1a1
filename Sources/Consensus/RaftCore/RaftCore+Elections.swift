// How a leader is found.

extension RaftCore {
  enum Campaign: Equatable, Sendable {
    /// Asks whether it would win.
    case preElection
    case election
    /// The leader asks for it, and gives up its lease with that.
    case transfer
  }

  // MARK: Campaigning

  mutating func campaign(_ campaign: Campaign) {
    guard !isLeader else { return events.append(.alreadyLeader) }
    guard isPromotable else { return events.append(.unpromotable) }
    // A member that does not know yet who is to vote might count the wrong votes.
    guard !hasUnappliedChange else { return events.append(.changesForbidCampaign(term: term)) }
    events.append(.electionStarted(term: term))
    askForVotes(campaign)
  }

  /// Whether this node may lead: a voter, whose state is not being replaced by a snapshot.
  var isPromotable: Bool {
    guard let progress = progress[id] else { return false }
    return !progress.isLearner && !log.hasIncoming
  }

  private var hasUnappliedChange: Bool {
    log.applied < log.committed && log.tail.hasChange(in: (log.applied + 1)...log.committed)
  }

  private mutating func askForVotes(_ campaign: Campaign) {
    let kind: Message.Kind
    let response: Message.Kind
    let electionTerm: Term
    if campaign == .preElection {
      becomePreCandidate()
      (kind, response, electionTerm) = (.preVote, .preVoteResponse, term + 1)
    } else {
      becomeCandidate()
      (kind, response, electionTerm) = (.vote, .voteResponse, term)
    }
    let last = log.last
    for node in members.voters.voters {
      guard node != id else {
        // Its own vote counts, like all others, once it is persisted.
        send(Message(response, to: id, term: electionTerm))
        continue
      }
      events.append(.voteRequested(kind, of: node, last: last, term: term))
      send(
        Message(
          kind, to: node, term: electionTerm, logTerm: last.term, index: last.index,
          context: campaign == .transfer ? Self.transferContext : []))
    }
  }

  mutating func handleTimeoutNow(_ message: Message) {
    switch role {
    case .leader: break
    case .preCandidate, .candidate:
      events.append(.timeoutNowIgnored(term: term, role.name, from: message.from))
    case .follower:
      events.append(.timeoutNowReceived(term: term, from: message.from))
      // Its leader lives and gives way, so there is nothing to ask for in advance.
      campaign(.transfer)
    }
  }

  // MARK: Voting

  func voteRequest(_ message: Message) -> Event.VoteRequest {
    Event.VoteRequest(
      kind: message.kind, from: message.from,
      candidate: LogPosition(term: message.logTerm, index: message.index), last: log.last,
      vote: vote, term: term)
  }

  /// A learner votes too: it may be a voter already and not know it.
  mutating func handleVoteRequest(_ message: Message) {
    let mayVote =
      vote == message.from || vote == 0 && leader == 0
      || message.kind == .preVote && message.term > term
    let candidate = LogPosition(term: message.logTerm, index: message.index)
    let response: Message.Kind = message.kind == .vote ? .voteResponse : .preVoteResponse
    guard mayVote, candidate.isUpToDate(with: log.last) else {
      events.append(.voteRejected(voteRequest(message)))
      return send(Message(response, to: message.from, term: term, reject: true))
    }
    events.append(.voteCast(voteRequest(message)))
    // The term asked for: a pre-candidate is ahead of this node's own, and would ignore that.
    send(Message(response, to: message.from, term: message.term))
    if message.kind == .vote {
      electionElapsed = 0
      vote = message.from
    }
  }

  // MARK: Counting

  mutating func handleVoteResponse(_ message: Message) {
    // Answers to a candidacy of another kind are late.
    var votes: [NodeID: Bool]
    switch (role, message.kind) {
    case (.preCandidate(let counted), .preVoteResponse): votes = counted
    case (.candidate(let counted), .voteResponse): votes = counted
    default: return
    }
    let granted = !message.reject
    events.append(
      .voteReceived(message.kind, from: message.from, term: term, granted: granted))
    if votes[message.from] == nil { votes[message.from] = granted }
    let isElection = message.kind == .voteResponse
    role = isElection ? .candidate(votes: votes) : .preCandidate(votes: votes)
    tally(message.kind, votes)
    switch members.voters.outcome({ votes[$0] }) {
    case .pending: break
    case .lost: becomeFollower(term, leader: 0)
    case .won where isElection:
      becomeLeader()
      broadcastAppend()
    case .won: askForVotes(.election)
    }
  }

  private mutating func tally(_ kind: Message.Kind, _ votes: [NodeID: Bool]) {
    var granted = 0
    var rejected = 0
    for node in progress.nodes where progress[node]?.isLearner == false {
      switch votes[node] {
      case true?: granted += 1
      case false?: rejected += 1
      case nil: break
      }
    }
    events.append(.tally(kind, granted: granted, rejected: rejected))
  }

  // MARK: The leader's quorum

  /// A leader that nobody hears any more makes way.
  mutating func checkQuorum() {
    let active = progress
    let outcome = members.voters.outcome { node in
      guard let progress = active[node], !progress.isLearner else { return nil }
      return progress.isRecentlyActive
    }
    if outcome != .won {
      events.append(.quorumInactive)
      becomeFollower(term, leader: 0)
    }
    let me = id
    progress.updateAll { node, progress in
      if node != me { progress.forgetActivity() }
    }
  }
}
