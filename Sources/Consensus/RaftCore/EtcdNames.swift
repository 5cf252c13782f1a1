// What etcd calls things in its log lines.

extension Message.Kind {
  /// As etcd names it, e.g. `MsgApp`.
  package var etcdName: String {
    switch self {
    case .hup: "MsgHup"
    case .beat: "MsgBeat"
    case .propose: "MsgProp"
    case .append: "MsgApp"
    case .appendResponse: "MsgAppResp"
    case .vote: "MsgVote"
    case .voteResponse: "MsgVoteResp"
    case .snapshot: "MsgSnap"
    case .heartbeat: "MsgHeartbeat"
    case .heartbeatResponse: "MsgHeartbeatResp"
    case .unreachable: "MsgUnreachable"
    case .snapshotStatus: "MsgSnapStatus"
    case .checkQuorum: "MsgCheckQuorum"
    case .transferLeader: "MsgTransferLeader"
    case .timeoutNow: "MsgTimeoutNow"
    case .readIndex: "MsgReadIndex"
    case .readIndexResponse: "MsgReadIndexResp"
    case .preVote: "MsgPreVote"
    case .preVoteResponse: "MsgPreVoteResp"
    case .storageAppend: "MsgStorageAppend"
    case .storageAppendResponse: "MsgStorageAppendResp"
    case .storageApply: "MsgStorageApply"
    case .storageApplyResponse: "MsgStorageApplyResp"
    case .forgetLeader: "MsgForgetLeader"
    }
  }
}

extension RaftCore.RoleName: CustomStringConvertible {
  /// As etcd names it, e.g. `StateLeader`.
  package var description: String {
    switch self {
    case .follower: "StateFollower"
    case .preCandidate: "StatePreCandidate"
    case .candidate: "StateCandidate"
    case .leader: "StateLeader"
    }
  }
}

extension MembershipState {
  /// As Go prints etcd's value.
  var etcdText: String {
    func list(_ nodes: [NodeID]) -> String {
      "[" + nodes.map(String.init).joined(separator: " ") + "]"
    }
    return """
      {\(list(voters)) \(list(learners)) \(list(votersOutgoing)) \(list(learnersNext)) \(autoLeave)}
      """
  }
}

extension MembershipChange.Kind {
  var etcdName: String {
    switch self {
    case .addVoter: "ConfChangeAddNode"
    case .remove: "ConfChangeRemoveNode"
    case .update: "ConfChangeUpdateNode"
    case .addLearner: "ConfChangeAddLearnerNode"
    }
  }
}

extension MembershipChange {
  /// As Go prints etcd's ConfChange or ConfChangeV2.
  func etcdText(as kind: Entry.Kind) -> String {
    let bytes = "[" + context.map(String.init).joined(separator: " ") + "]"
    if kind == .change, let step = steps.first {
      return "{\(step.kind.etcdName) \(step.node) \(bytes) 0}"
    }
    let name =
      switch transition {
      case .automatic: "ConfChangeTransitionAuto"
      case .jointImplicit: "ConfChangeTransitionJointImplicit"
      case .jointExplicit: "ConfChangeTransitionJointExplicit"
      }
    let list = steps.map { "{\($0.kind.etcdName) \($0.node)}" }.joined(separator: " ")
    return "{\(name) [\(list)] \(bytes)}"
  }
}
