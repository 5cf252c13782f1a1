// What a majority of voters, or of two sets of voters, agrees on.

/// What came of a vote so far.
package enum VoteOutcome: Equatable, Sendable {
  case pending
  case lost
  case won
}

/// A set of voters of which more than a half decides. An empty one agrees to everything, so that the second
/// half of a configuration that is not joint has no say.
package struct Majority: Equatable, Sendable {
  /// In ascending order.
  package private(set) var voters: [NodeID]

  package init(_ voters: some Sequence<NodeID> = []) { self.voters = Array(Set(voters)).sorted() }

  package var isEmpty: Bool { voters.isEmpty }
  package var count: Int { voters.count }

  package func contains(_ node: NodeID) -> Bool { voters.contains(node) }

  mutating func insert(_ node: NodeID) {
    guard let place = voters.firstIndex(where: { $0 >= node }) else { return voters.append(node) }
    if voters[place] != node { voters.insert(node, at: place) }
  }

  mutating func remove(_ node: NodeID) { voters.removeAll { $0 == node } }

  /// The highest index that more than a half has, or `UInt64.max` without voters.
  ///
  /// - Parameter acknowledged: What a voter has; nil counts as nothing.
  package func committed(_ acknowledged: (NodeID) -> LogIndex?) -> LogIndex {
    guard !voters.isEmpty else { return .max }
    let indexes = voters.map { acknowledged($0) ?? 0 }.sorted()
    return indexes[(indexes.count - 1) / 2]
  }

  /// - Parameter vote: Whether a voter agrees; nil if it has not voted.
  package func outcome(_ vote: (NodeID) -> Bool?) -> VoteOutcome {
    guard !voters.isEmpty else { return .won }
    var granted = 0
    var missing = 0
    for voter in voters {
      switch vote(voter) {
      case true?: granted += 1
      case false?: break
      case nil: missing += 1
      }
    }
    let needed = voters.count / 2 + 1
    if granted >= needed { return .won }
    return granted + missing >= needed ? .pending : .lost
  }
}

extension Majority: CustomStringConvertible {
  package var description: String {
    "(" + voters.map(String.init).joined(separator: " ") + ")"
  }
}

/// Two majorities that both have to agree, while the membership changes from one to the other. The outgoing
/// one is empty otherwise.
package struct JointMajority: Equatable, Sendable {
  package var incoming: Majority
  package var outgoing: Majority

  package init(_ incoming: Majority = Majority(), _ outgoing: Majority = Majority()) {
    self.incoming = incoming
    self.outgoing = outgoing
  }

  package var isJoint: Bool { !outgoing.isEmpty }
  /// All voters, in ascending order.
  package var voters: [NodeID] {
    isJoint ? Majority(incoming.voters + outgoing.voters).voters : incoming.voters
  }

  package func contains(_ node: NodeID) -> Bool {
    incoming.contains(node) || outgoing.contains(node)
  }

  package func committed(_ acknowledged: (NodeID) -> LogIndex?) -> LogIndex {
    min(incoming.committed(acknowledged), outgoing.committed(acknowledged))
  }

  package func outcome(_ vote: (NodeID) -> Bool?) -> VoteOutcome {
    let one = incoming.outcome(vote)
    let other = outgoing.outcome(vote)
    if one == other { return one }
    return one == .lost || other == .lost ? .lost : .pending
  }
}

extension JointMajority: CustomStringConvertible {
  package var description: String { isJoint ? "\(incoming)&&\(outgoing)" : "\(incoming)" }
}
