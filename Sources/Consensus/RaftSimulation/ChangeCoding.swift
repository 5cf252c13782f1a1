// How the simulated shells write a change of membership: a byte for the transition, then two for each step.

import RaftCore

enum ChangeCoding {
  /// Empty for a change that leaves a joint configuration.
  static func encode(_ change: MembershipChange) -> ArraySlice<UInt8> {
    if change.leavesJoint { return [] }
    var bytes = [UInt8(change.transition.rawValue)]
    for step in change.steps {
      bytes += [UInt8(step.kind.rawValue), UInt8(truncatingIfNeeded: step.node)]
    }
    return bytes[...]
  }

  /// Nil for what no shell here has written.
  static func decode(_ data: ArraySlice<UInt8>) -> MembershipChange? {
    guard let first = data.first else { return MembershipChange(steps: []) }
    guard let transition = MembershipChange.Transition(rawValue: UInt32(first)),
      data.count % 2 == 1
    else { return nil }
    var steps: [MembershipChange.Step] = []
    let bytes = Array(data.dropFirst())
    for place in stride(from: 0, to: bytes.count, by: 2) {
      guard let kind = MembershipChange.Kind(rawValue: UInt32(bytes[place])) else { return nil }
      steps.append(MembershipChange.Step(kind, NodeID(bytes[place + 1])))
    }
    return MembershipChange(transition: transition, steps: steps)
  }
}

extension MembershipState {
  /// Voters of both halves, learners, and those that become learners.
  func contains(_ node: NodeID) -> Bool {
    voters.contains(node) || learners.contains(node) || votersOutgoing.contains(node)
      || learnersNext.contains(node)
  }

  var nodes: [NodeID] {
    var all = voters
    for node in learners + votersOutgoing + learnersNext where !all.contains(node) {
      all.append(node)
    }
    return all
  }

  /// Whether a majority of the voters meets a condition, and of the outgoing ones too.
  func hasQuorum(_ condition: (NodeID) -> Bool) -> Bool {
    func isMajority(_ nodes: [NodeID]) -> Bool {
      nodes.reduce(0) { $0 + (condition($1) ? 1 : 0) } * 2 > nodes.count
    }
    return isMajority(voters) && (votersOutgoing.isEmpty || isMajority(votersOutgoing))
  }
}
