// What a change makes of a membership, by the rules that keep two majorities from deciding apart.

/// A change of membership that must not be made.
package struct ImpossibleChange: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Changes a membership, and the progress of its members with it. After an error nothing is changed.
package struct MembershipChanger: Equatable, Sendable {
  package private(set) var members: Members
  package private(set) var progress: ProgressMap
  /// A new member's log is probed from here.
  package var lastIndex: LogIndex
  private let inflights: Inflights

  package init(
    members: Members = Members(), progress: ProgressMap = ProgressMap(), lastIndex: LogIndex,
    maximumInflight: Int, maximumInflightSize: Int
  ) {
    self.members = members
    self.progress = progress
    self.lastIndex = lastIndex
    inflights = Inflights(maximumCount: maximumInflight, maximumSize: maximumInflightSize)
  }

  // MARK: Changes

  /// Carries out a change that was committed, in the way that it asks for.
  package mutating func apply(_ change: MembershipChange) throws(ImpossibleChange) {
    if change.leavesJoint {
      try leaveJoint()
    } else if let autoLeave = change.entersJoint {
      try enterJoint(autoLeave: autoLeave, change.steps)
    } else {
      try simple(change.steps)
    }
  }

  /// One voter more or less, and any number of learners.
  package mutating func simple(_ steps: [MembershipChange.Step]) throws(ImpossibleChange) {
    var next = self
    guard !members.voters.isJoint else {
      throw ImpossibleChange("can't apply simple config change in joint config")
    }
    try next.carryOut(steps)
    let before = Set(members.voters.incoming.voters)
    guard before.symmetricDifference(next.members.voters.incoming.voters).count <= 1 else {
      throw ImpossibleChange("more than one voter changed without entering joint config")
    }
    try next.check()
    self = next
  }

  /// Any changes; from now on the voters before and after them both have to agree.
  package mutating func enterJoint(
    autoLeave: Bool, _ steps: [MembershipChange.Step]
  ) throws(ImpossibleChange) {
    var next = self
    guard !members.voters.isJoint else { throw ImpossibleChange("config is already joint") }
    guard !members.voters.incoming.isEmpty else {
      throw ImpossibleChange("can't make a zero-voter config joint")
    }
    next.members.voters.outgoing = members.voters.incoming
    try next.carryOut(steps)
    next.members.autoLeave = autoLeave
    try next.check()
    self = next
  }

  /// The voters after the changes decide alone.
  package mutating func leaveJoint() throws(ImpossibleChange) {
    var next = self
    guard members.voters.isJoint else { throw ImpossibleChange("can't leave a non-joint config") }
    for node in members.learnersNext.voters {
      next.members.learners.insert(node)
      next.progress.update(node) { $0.isLearner = true }
    }
    next.members.learnersNext = Majority()
    for node in members.voters.outgoing.voters
    where !next.members.voters.incoming.contains(node) && !next.members.learners.contains(node) {
      next.progress[node] = nil
    }
    next.members.voters.outgoing = Majority()
    next.members.autoLeave = false
    try next.check()
    self = next
  }

  /// Makes an empty membership the one that was written down.
  package mutating func restore(_ state: MembershipState) throws(ImpossibleChange) {
    let additions =
      state.voters.map { MembershipChange.Step(.addVoter, $0) }
      + (state.learners + state.learnersNext).map { MembershipChange.Step(.addLearner, $0) }
    if state.votersOutgoing.isEmpty {
      for step in additions { try simple([step]) }
    } else {
      for node in state.votersOutgoing { try simple([MembershipChange.Step(.addVoter, node)]) }
      try enterJoint(
        autoLeave: state.autoLeave,
        state.votersOutgoing.map { MembershipChange.Step(.remove, $0) } + additions)
    }
    guard members.state == state.sorted else {
      throw ImpossibleChange("no membership is \(state.etcdText)")
    }
  }

  // MARK: Steps

  private mutating func carryOut(_ steps: [MembershipChange.Step]) throws(ImpossibleChange) {
    // A step for node 0 is one that was dropped after it was proposed.
    for step in steps where step.node != 0 {
      switch step.kind {
      case .addVoter: makeVoter(step.node)
      case .addLearner: makeLearner(step.node)
      case .remove: remove(step.node)
      case .update: break
      }
    }
    guard !members.voters.incoming.isEmpty else { throw ImpossibleChange("removed all voters") }
  }

  private mutating func makeVoter(_ node: NodeID) {
    if progress.contains(node) {
      progress.update(node) { $0.isLearner = false }
      members.learners.remove(node)
      members.learnersNext.remove(node)
    } else {
      add(node, isLearner: false)
    }
    members.voters.incoming.insert(node)
  }

  private mutating func makeLearner(_ node: NodeID) {
    guard var kept = progress[node] else {
      members.learners.insert(node)
      return add(node, isLearner: true)
    }
    if kept.isLearner { return }
    remove(node)
    if members.voters.outgoing.contains(node) {
      // No node is both: it becomes a learner when it loses its vote.
      members.learnersNext.insert(node)
    } else {
      kept.isLearner = true
      members.learners.insert(node)
    }
    progress[node] = kept
  }

  private mutating func remove(_ node: NodeID) {
    guard progress.contains(node) else { return }
    members.voters.incoming.remove(node)
    members.learners.remove(node)
    members.learnersNext.remove(node)
    if !members.voters.outgoing.contains(node) { progress[node] = nil }
  }

  /// A new member counts as active, or the next check of the quorum might end the leader's office before it could
  /// answer.
  private mutating func add(_ node: NodeID, isLearner: Bool) {
    progress[node] = Progress(
      next: max(lastIndex, 1), inflights: inflights, isLearner: isLearner, isRecentlyActive: true)
  }

  // MARK: What must always hold

  private func check() throws(ImpossibleChange) {
    for node in members.voters.voters + members.learners.voters + members.learnersNext.voters
    where !progress.contains(node) {
      throw ImpossibleChange("no progress for \(node)")
    }
    for node in members.learnersNext.voters {
      guard members.voters.outgoing.contains(node) else {
        throw ImpossibleChange("\(node) is in LearnersNext, but not Voters[1]")
      }
      guard progress[node]?.isLearner == false else {
        throw ImpossibleChange("\(node) is in LearnersNext, but is already marked as learner")
      }
    }
    for node in members.learners.voters {
      guard !members.voters.contains(node) else {
        throw ImpossibleChange("\(node) is in Learners and Voters")
      }
      guard progress[node]?.isLearner == true else {
        throw ImpossibleChange("\(node) is in Learners, but is not marked as learner")
      }
    }
  }
}

extension MembershipChange {
  /// Whether it ends a joint configuration.
  package var leavesJoint: Bool { steps.isEmpty && transition == .automatic }

  /// Whether a joint configuration comes first, and if so, whether the leader ends it without being told.
  var entersJoint: Bool? {
    switch transition {
    case .automatic: steps.count > 1 ? true : nil
    case .jointImplicit: true
    case .jointExplicit: false
    }
  }
}

extension MembershipState {
  /// With each list in ascending order.
  package var sorted: MembershipState {
    MembershipState(
      voters: voters.sorted(), learners: learners.sorted(),
      votersOutgoing: votersOutgoing.sorted(), learnersNext: learnersNext.sorted(),
      autoLeave: autoLeave)
  }
}
