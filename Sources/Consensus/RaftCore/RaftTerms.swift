// What Raft nodes send each other and what they write down, as values that know no encoding. Names are the
// paper's, and etcd's where the paper has none.

/// A member of a group; 0 means none. A number is never given to a second node of a channel.
package typealias NodeID = UInt64

/// A place in the log, from 1 on; 0 is before the first.
package typealias LogIndex = UInt64

/// A term of office, from 1 on; 0 is before the first election.
package typealias Term = UInt64

/// An entry of the log. Its data is opaque to the protocol, and a slice of what it arrived in.
package struct Entry: Equatable, Sendable {
  /// What the data is. Raw values are etcd's.
  package enum Kind: UInt32, Sendable {
    case normal = 0
    /// A `MembershipChange` of one node (etcd's ConfChange). Fabric knows no other.
    case change = 1
    /// A change of any number of nodes (etcd's ConfChangeV2). Without data: leave the joint configuration.
    case changeV2 = 2
  }

  package var kind: Kind
  package var term: Term
  package var index: LogIndex
  package var data: ArraySlice<UInt8>

  package init(
    kind: Kind = .normal, term: Term = 0, index: LogIndex = 0, data: ArraySlice<UInt8> = []
  ) {
    self.kind = kind
    self.term = term
    self.index = index
    self.data = data
  }
}

/// What a node must find again after a crash, beside its log.
package struct HardState: Equatable, Sendable {
  package var term: Term
  /// Whom it voted for in `term`.
  package var vote: NodeID
  package var commit: LogIndex

  package init(term: Term = 0, vote: NodeID = 0, commit: LogIndex = 0) {
    self.term = term
    self.vote = vote
    self.commit = commit
  }
}

/// Who votes and who listens (etcd's ConfState). In a joint configuration two sets of voters decide.
package struct MembershipState: Equatable, Sendable {
  package var voters: [NodeID]
  package var learners: [NodeID]
  /// The voters before the change, while a joint configuration holds.
  package var votersOutgoing: [NodeID]
  /// Outgoing voters that become learners when the joint configuration is left.
  package var learnersNext: [NodeID]
  /// Whether the leader leaves the joint configuration without being told.
  package var autoLeave: Bool

  package init(
    voters: [NodeID] = [], learners: [NodeID] = [], votersOutgoing: [NodeID] = [],
    learnersNext: [NodeID] = [], autoLeave: Bool = false
  ) {
    self.voters = voters
    self.learners = learners
    self.votersOutgoing = votersOutgoing
    self.learnersNext = learnersNext
    self.autoLeave = autoLeave
  }
}

/// A state that stands for all entries up to `index`.
package struct Snapshot: Equatable, Sendable {
  package var index: LogIndex
  package var term: Term
  package var members: MembershipState
  package var data: ArraySlice<UInt8>

  package var isEmpty: Bool { index == 0 }

  package init(
    index: LogIndex = 0, term: Term = 0, members: MembershipState = MembershipState(),
    data: ArraySlice<UInt8> = []
  ) {
    self.index = index
    self.term = term
    self.members = members
    self.data = data
  }
}

/// A change of who votes and listens.
package struct MembershipChange: Equatable, Sendable {
  /// Raw values are etcd's.
  package enum Kind: UInt32, Sendable {
    case addVoter = 0
    case remove = 1
    /// Changes nothing about the set: an address or the like. Kept for etcd's logs.
    case update = 2
    case addLearner = 3
  }

  /// How several changes come into force. Raw values are etcd's.
  package enum Transition: UInt32, Sendable {
    /// By a joint configuration if there is more than one change; it is left automatically.
    case automatic = 0
    case jointImplicit = 1
    case jointExplicit = 2
  }

  package struct Step: Equatable, Sendable {
    package var kind: Kind
    package var node: NodeID

    package init(_ kind: Kind, _ node: NodeID) {
      self.kind = kind
      self.node = node
    }
  }

  package var transition: Transition
  /// None: leave the joint configuration.
  package var steps: [Step]
  package var context: ArraySlice<UInt8>

  package init(
    transition: Transition = .automatic, steps: [Step], context: ArraySlice<UInt8> = []
  ) {
    self.transition = transition
    self.steps = steps
    self.context = context
  }
}

/// A message between nodes, or between a node and its own disk.
package struct Message: Equatable, Sendable {
  /// Raw values are etcd's, names the paper's as far as they go.
  package enum Kind: UInt32, Sendable, CaseIterable {
    case hup = 0
    case beat = 1
    case propose = 2
    case append = 3
    case appendResponse = 4
    case vote = 5
    case voteResponse = 6
    case snapshot = 7
    case heartbeat = 8
    case heartbeatResponse = 9
    case unreachable = 10
    case snapshotStatus = 11
    case checkQuorum = 12
    case transferLeader = 13
    case timeoutNow = 14
    case readIndex = 15
    case readIndexResponse = 16
    case preVote = 17
    case preVoteResponse = 18
    case storageAppend = 19
    case storageAppendResponse = 20
    case storageApply = 21
    case storageApplyResponse = 22
    case forgetLeader = 23
  }

  package var kind: Kind
  package var to: NodeID
  package var from: NodeID
  package var term: Term
  /// The term of the entry at `index`.
  package var logTerm: Term
  package var index: LogIndex
  package var entries: [Entry]
  package var commit: LogIndex
  /// Only between a node and its own disk.
  package var vote: NodeID
  package var snapshot: Snapshot?
  package var reject: Bool
  package var rejectHint: LogIndex
  package var context: ArraySlice<UInt8>
  /// What may leave once the message is carried out; only between a node and its own disk.
  package var responses: [Message]

  package init(
    _ kind: Kind, to: NodeID = 0, from: NodeID = 0, term: Term = 0, logTerm: Term = 0,
    index: LogIndex = 0, entries: [Entry] = [], commit: LogIndex = 0, vote: NodeID = 0,
    snapshot: Snapshot? = nil, reject: Bool = false, rejectHint: LogIndex = 0,
    context: ArraySlice<UInt8> = [], responses: [Message] = []
  ) {
    self.kind = kind
    self.to = to
    self.from = from
    self.term = term
    self.logTerm = logTerm
    self.index = index
    self.entries = entries
    self.commit = commit
    self.vote = vote
    self.snapshot = snapshot
    self.reject = reject
    self.rejectHint = rejectHint
    self.context = context
    self.responses = responses
  }
}
