// How a change of membership comes into force.

extension RaftCore {
  func changer() -> MembershipChanger {
    MembershipChanger(
      members: members, progress: progress, lastIndex: log.lastIndex,
      maximumInflight: configuration.maxInflightMessages,
      maximumInflightSize: configuration.maxInflightSize)
  }

  /// Puts a committed change into force. Called for each entry that holds one, in their order, before
  /// ``applied(through:)`` tells of it; not called for one that the state machine refuses, nor for one that a snapshot
  /// in force stands for.
  ///
  /// - Returns: The membership from now on, which snapshots are to hold.
  @discardableResult
  package mutating func apply(_ change: MembershipChange) throws(Fault) -> MembershipState {
    if let fault { throw fault }
    // It is older than the snapshot that is on its way to the disk, whose membership is in force already.
    guard !log.hasIncoming else { return members.state }
    var changer = changer()
    do { try changer.apply(change) } catch {
      let fault = Fault.impossibleChange(error.description)
      fail(fault)
      throw fault
    }
    switchTo(changer)
    return members.state
  }

  mutating func switchTo(_ changer: MembershipChanger) {
    members = changer.members
    progress = changer.progress
    events.append(.switched(members))
    guard isLeader else { return }
    guard let own = progress[id], !own.isLearner else {
      if configuration.stepDownOnRemoval { becomeFollower(term, leader: 0) }
      return
    }
    let nodes = Set(progress.nodes)
    openReads.removeAll { $0.isFor(otherThan: nodes) }
    newReads.removeAll { $0.isFor(otherThan: nodes) }
    if commitAsLeader() {
      releaseEarlyReads()
      broadcastAppend()
    } else {
      // New members need not wait for the next heartbeat.
      for node in progress.nodes where node != id { sendAppend(to: node, ifEmpty: false) }
    }
    let voters = members.voters
    updateOffice { if !voters.contains($0.transferee) { $0.transferee = 0 } }
  }

  /// Leaves a joint configuration by itself, if that is wanted and nothing stands in the way. Tried after each
  /// entry that is applied.
  mutating func leaveJoint() {
    guard members.autoLeave, let office, log.applied >= office.pendingChange else { return }
    let leave = MembershipChange(steps: [])
    do {
      try propose([Entry(kind: .changeV2)], from: id, changes: [leave])
      events.append(.leavingJoint(members))
    } catch {
      events.append(.notLeavingJoint(members, error.etcdText))
    }
  }
}

extension RaftCore.LogRead {
  fileprivate func isFor(otherThan nodes: Set<NodeID>) -> Bool {
    if case .replicating(let node) = purpose { !nodes.contains(node) } else { false }
  }
}

extension RaftCore.ProposalRefusal {
  /// etcd has one error for all.
  fileprivate var etcdText: String { "raft proposal dropped" }
}
