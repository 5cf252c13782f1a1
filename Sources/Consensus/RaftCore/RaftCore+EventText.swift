// The lines of the log, to the letter as etcd writes them: numbers of nodes in hex, all else in decimal.

extension RaftCore.Event {
  /// The line, as the node with this number writes it.
  package func text(of node: NodeID) -> String {
    let me = hex(node)
    return termText(me) ?? electionText(me) ?? proposalText(me) ?? progressText(me) ?? logText(me)
      ?? membershipText(me) ?? requestText(me)
  }

  private func termText(_ me: String) -> String? {
    switch self {
    case .started(let voters, let term, let commit, let applied, let last):
      """
      newRaft \(me) [peers: [\(voters.map(hex).joined(separator: ","))], term: \(term), commit: \(commit), \
      applied: \(applied), lastindex: \(last.index), lastterm: \(last.term)]
      """
    case .becameFollower(let term): "\(me) became follower at term \(term)"
    case .becamePreCandidate(let term): "\(me) became pre-candidate at term \(term)"
    case .becameCandidate(let term): "\(me) became candidate at term \(term)"
    case .becameLeader(let term): "\(me) became leader at term \(term)"
    case .higherTerm(let kind, let from, let term, let own):
      """
      \(me) [term: \(own)] received a \(kind.etcdName) message with higher term from \(hex(from)) \
      [term: \(term)]
      """
    case .lowerTerm(let kind, let from, let term, let own):
      """
      \(me) [term: \(own)] ignored a \(kind.etcdName) message with lower term from \(hex(from)) \
      [term: \(term)]
      """
    case .quorumInactive: "\(me) stepped down to follower since quorum is not active"
    default: nil
    }
  }

  private func electionText(_ me: String) -> String? {
    switch self {
    case .alreadyLeader: "\(me) ignoring MsgHup because already leader"
    case .unpromotable: "\(me) is unpromotable and can not campaign"
    case .changesForbidCampaign(let term):
      """
      \(me) cannot campaign at term \(term) since there are still pending configuration changes to apply
      """
    case .electionStarted(let term): "\(me) is starting a new election at term \(term)"
    case .voteRequested(let kind, let node, let last, let term):
      """
      \(me) [logterm: \(last.term), index: \(last.index)] sent \(kind.etcdName) request to \(hex(node)) \
      at term \(term)
      """
    case .voteReceived(let kind, let from, let term, let granted):
      """
      \(me) received \(kind.etcdName)\(granted ? "" : " rejection") from \(hex(from)) at term \(term)
      """
    case .tally(let kind, let granted, let rejected):
      "\(me) has received \(granted) \(kind.etcdName) votes and \(rejected) vote rejections"
    case .voteCast(let request): request.text(me, "cast", "for")
    case .voteRejected(let request): request.text(me, "rejected", "from")
    case .voteIgnored(let request, let ticks):
      request.text(me, "ignored", "from") + ": lease is not expired (remaining ticks: \(ticks))"
    default: nil
    }
  }

  private func proposalText(_ me: String) -> String? {
    switch self {
    case .proposalWithoutLeader(let term): "\(me) no leader at term \(term); dropping proposal"
    case .proposalNotForwarded(let leader, let term):
      "\(me) not forwarding to leader \(hex(leader)) at term \(term); dropping proposal"
    case .proposalDuringTransfer(let term, let node):
      """
      \(me) [term \(term)] transfer leadership to \(hex(node)) is in progress; dropping proposal
      """
    case .uncommittedLimit:
      """
      \(me) appending new entries to log would exceed uncommitted entry size limit; dropping proposal
      """
    case .changeIgnored(let change, let members, let reason):
      "\(me) ignoring conf change \(change) at config \(members): \(reason)"
    case .changeFromElsewhere(let from):
      "\(me) dropping conf change proposed by \(hex(from)), which has to be proposed to the leader"
    default: nil
    }
  }

  private func progressText(_ me: String) -> String? {
    switch self {
    case .noProgress(let node): "\(me) no progress available for \(hex(node))"
    case .appendRejected(let node, let index, let hint):
      """
      \(me) received MsgAppResp(rejected, hint: (index \(hint.index), term \(hint.term))) \
      from \(hex(node)) for index \(index)
      """
    case .progressDecreased(let node, let progress):
      "\(me) decreased progress of \(hex(node)) to [\(progress)]"
    case .recoveredFromSnapshot(let node, let progress):
      """
      \(me) recovered from needing snapshot, resumed sending replication messages to \(hex(node)) \
      [\(progress)]
      """
    case .snapshotToInactive(let node):
      "ignore sending snapshot to \(hex(node)) since it is not recently active"
    case .snapshotUnavailable(let node):
      """
      \(me) failed to send snapshot to \(hex(node)) because snapshot is temporarily unavailable
      """
    case .snapshotSent(let node, let progress, let first, let commit, let snapshot):
      """
      \(me) [firstindex: \(first), commit: \(commit)] sent snapshot[index: \(snapshot.index), \
      term: \(snapshot.term)] to \(hex(node)) [\(progress)]
      """
    case .replicationPaused(let node, let progress):
      "\(me) paused sending replication messages to \(hex(node)) [\(progress)]"
    case .snapshotSucceeded(let node, let progress):
      """
      \(me) snapshot succeeded, resumed sending replication messages to \(hex(node)) [\(progress)]
      """
    case .snapshotFailed(let node, let progress):
      "\(me) snapshot failed, resumed sending replication messages to \(hex(node)) [\(progress)]"
    case .unreachable(let node, let progress):
      "\(me) failed to send message to \(hex(node)) because it is unreachable [\(progress)]"
    case .appendMismatch(let from, let theirs, let ours):
      """
      \(me) [logterm: \(ours), index: \(theirs.index)] rejected MsgApp [logterm: \(theirs.term), \
      index: \(theirs.index)] from \(hex(from))
      """
    default: nil
    }
  }

  private func logText(_ me: String) -> String? {
    switch self {
    case .conflict(let index, let existing, let conflicting):
      """
      found conflict at index \(index) [existing term: \(existing), conflicting term: \(conflicting)]
      """
    case .unstableReplaced(let index): "replace the unstable entries from index \(index)"
    case .unstableTruncated(let index): "truncate the unstable entries before index \(index)"
    case .persistedMissing(let index): "entry at index \(index) missing from unstable log; ignoring"
    case .persistedSnapshot(let index):
      "entry at index \(index) matched unstable snapshot; ignoring"
    case .persistedOutdated(let entry, let existing):
      """
      entry at (index,term)=(\(entry.index),\(entry.term)) mismatched with entry at \
      (\(entry.index),\(existing)) in unstable log; ignoring
      """
    case .persistedInEarlierTerm(let term, let own):
      """
      \(me) [term: \(own)] ignored entry appends from a MsgStorageAppendResp message with lower term \
      [term: \(term)]
      """
    case .restoring(let log, let snapshot):
      "log [\(log)] starts to restore snapshot [\(snapshot.text)]"
    case .logRestored(let commit, let last, let snapshot):
      """
      \(me) [commit: \(commit), lastindex: \(last.index), lastterm: \(last.term)] restored snapshot \
      [\(snapshot.text)]
      """
    case .fastForwarded(let commit, let last, let snapshot):
      """
      \(me) [commit: \(commit), lastindex: \(last.index), lastterm: \(last.term)] fast-forwarded commit \
      to snapshot [\(snapshot.text)]
      """
    case .snapshotRestored(let commit, let snapshot):
      "\(me) [commit: \(commit)] restored snapshot [\(snapshot.text)]"
    case .snapshotIgnored(let commit, let snapshot):
      "\(me) [commit: \(commit)] ignored snapshot [\(snapshot.text)]"
    case .snapshotWithoutUs(let members):
      """
      \(me) attempted to restore snapshot but it is not in the ConfState \(members.etcdText); \
      should never happen
      """
    default: nil
    }
  }

  private func membershipText(_ me: String) -> String? {
    switch self {
    case .switched(let members): "\(me) switched to configuration \(members)"
    case .leavingJoint(let members):
      "initiating automatic transition out of joint configuration \(members)"
    case .notLeavingJoint(let members, let reason):
      "not initiating automatic transition out of joint configuration \(members): \(reason)"
    default: nil
    }
  }

  private func requestText(_ me: String) -> String {
    switch self {
    case .transferToLearner: "\(me) is learner. Ignored transferring leadership"
    case .transferInProgress(let term, let node):
      """
      \(me) [term \(term)] transfer leadership to \(hex(node)) is in progress, ignores request to same \
      node \(hex(node))
      """
    case .transferAborted(let term, let node):
      "\(me) [term \(term)] abort previous transferring leadership to \(hex(node))"
    case .transferToSelf: "\(me) is already leader. Ignored transferring leadership to self"
    case .transferStarted(let term, let node):
      "\(me) [term \(term)] starts to transfer leadership to \(hex(node))"
    case .timeoutNowSent(let node, let atOnce):
      atOnce
        ? """
        \(me) sends MsgTimeoutNow to \(hex(node)) immediately as \(hex(node)) already has up-to-date log
        """ : "\(me) sent MsgTimeoutNow to \(hex(node)) after received MsgAppResp"
    case .timeoutNowReceived(let term, let from):
      """
      \(me) [term \(term)] received MsgTimeoutNow from \(hex(from)) and starts an election to get leadership.
      """
    case .timeoutNowIgnored(let term, let role, let from):
      "\(me) [term \(term) state \(role)] ignored MsgTimeoutNow from \(hex(from))"
    case .transferWithoutLeader(let term):
      "\(me) no leader at term \(term); dropping leader transfer msg"
    case .forgettingLeader(let leader, let term):
      "\(me) forgetting leader \(hex(leader)) at term \(term)"
    case .forgettingRefused: "ignoring MsgForgetLeader due to ReadOnlyLeaseBased"
    case .readWithoutLeader(let term): "\(me) no leader at term \(term); dropping index reading msg"
    case .malformedReadAnswer(let from, let entries):
      """
      \(me) invalid format of MsgReadIndexResp from \(hex(from)), entries count: \(entries)
      """
    case .fault(let fault): fault.description
    default: ""
    }
  }
}

extension RaftCore.Event.VoteRequest {
  fileprivate func text(_ me: String, _ verb: String, _ preposition: String) -> String {
    """
    \(me) [logterm: \(last.term), index: \(last.index), vote: \(hex(vote))] \(verb) \(kind.etcdName) \
    \(preposition) \(hex(from)) [logterm: \(candidate.term), index: \(candidate.index)] at term \(term)
    """
  }
}

extension LogPosition {
  fileprivate var text: String { "index: \(index), term: \(term)" }
}

private func hex(_ node: NodeID) -> String { String(node, radix: 16) }
