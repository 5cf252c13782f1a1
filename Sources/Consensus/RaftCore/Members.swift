// Who votes and who listens, and what a leader knows of each.

/// The membership in force. No node is a voter and a learner at once.
package struct Members: Equatable, Sendable {
  package var voters = JointMajority()
  package var learners = Majority()
  /// Outgoing voters that become learners when the joint configuration is left.
  package var learnersNext = Majority()
  package var autoLeave = false

  package init() {}

  package var state: MembershipState {
    MembershipState(
      voters: voters.incoming.voters, learners: learners.voters,
      votersOutgoing: voters.outgoing.voters, learnersNext: learnersNext.voters,
      autoLeave: autoLeave)
  }
}

extension Members: CustomStringConvertible {
  /// As etcd prints it.
  package var description: String {
    var text = "voters=\(voters)"
    if !learners.isEmpty { text += " learners=\(learners)" }
    if !learnersNext.isEmpty { text += " learners_next=\(learnersNext)" }
    if autoLeave { text += " autoleave" }
    return text
  }
}

/// The progress of each member, in ascending order of their numbers. Few, so that a search beats a hash.
package struct ProgressMap: Equatable, Sendable {
  package private(set) var nodes: [NodeID] = []
  private var values: [Progress] = []

  package init() {}

  package subscript(node: NodeID) -> Progress? {
    get { place(of: node).map { values[$0] } }
    set {
      switch (place(of: node), newValue) {
      case (let place?, let value?): values[place] = value
      case (let place?, nil):
        nodes.remove(at: place)
        values.remove(at: place)
      case (nil, let value?):
        let place = nodes.firstIndex { $0 > node } ?? nodes.count
        nodes.insert(node, at: place)
        values.insert(value, at: place)
      case (nil, nil): break
      }
    }
  }

  package func contains(_ node: NodeID) -> Bool { place(of: node) != nil }

  /// Changes a member's progress where it lies. Nil if it is no member.
  @discardableResult
  mutating func update<Result>(_ node: NodeID, _ change: (inout Progress) -> Result) -> Result? {
    place(of: node).map { change(&values[$0]) }
  }

  mutating func updateAll(_ change: (NodeID, inout Progress) -> Void) {
    for place in nodes.indices { change(nodes[place], &values[place]) }
  }

  private func place(of node: NodeID) -> Int? { nodes.firstIndex(of: node) }
}
