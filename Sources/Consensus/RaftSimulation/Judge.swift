// What must hold in every schedule, and what the judge remembers to tell whether it does.

import RaftCore

/// Sees all that the cores do and all that is on the disks, and tells the first thing that must not be.
///
/// - One leader in a term, and only with votes that a quorum's disks hold.
/// - The same index and term: the same entry, and the same one before it.
/// - What is committed is on a quorum's disks, in the log of each later leader, and applied everywhere, in order.
/// - No promise leaves before what it rests on is synced.
struct Judge {
  /// An entry that some node knows to be committed.
  struct Committed {
    let entry: Entry
    /// The term of the leader that found that a quorum has it.
    let byTerm: Term
  }

  /// An entry that some node has appended.
  private struct Known {
    let entry: Entry
    let previousTerm: Term
  }

  private struct Ballot: Hashable {
    let voter: NodeID
    let term: Term
  }

  /// False where disks lose what they have synced, or nodes lie.
  let isJudging: Bool
  private(set) var problem: String?

  private(set) var committed: [Committed] = []
  private var known: [[Known]] = []
  private var leaders: [Term: (node: NodeID, life: Int)] = [:]
  /// Votes that are synced, or rest on something newer that is.
  private var votes: [Ballot: NodeID] = [:]
  /// Terms in which somebody got a vote.
  private var candidacies: Set<Term> = []
  private var members: [LogIndex: MembershipState] = [:]
  private(set) var newestMembers: (index: LogIndex, state: MembershipState)
  private let founders: LogIndex
  /// All that were ever members.
  private(set) var everMembers: Set<NodeID>
  /// Data of committed entries.
  private var committedData: Set<ArraySlice<UInt8>> = []

  init(isJudging: Bool, founders: [NodeID]) {
    self.isJudging = isJudging
    newestMembers = (0, MembershipState(voters: founders))
    everMembers = Set(founders)
    self.founders = LogIndex(founders.count)
  }

  mutating func fail(_ text: @autoclosure () -> String) {
    if isJudging, problem == nil { problem = text() }
  }

  /// Also where nothing else is guaranteed.
  mutating func failAnyway(_ text: String) { if problem == nil { problem = text } }

  // MARK: Log matching

  /// Entries that a node appends, or sends, behind one of a term.
  mutating func saw(_ entries: [Entry], after previous: Term, at node: NodeID) {
    guard isJudging else { return }
    var previous = previous
    for entry in entries {
      let place = Int(entry.index)
      while known.count <= place { known.append([]) }
      if let same = known[place].first(where: { $0.entry.term == entry.term }) {
        if same.entry != entry {
          fail("log matching: node \(node) has another entry \(entry.term)/\(entry.index)")
        } else if same.previousTerm != previous {
          fail(
            """
            log matching: node \(node) has \(entry.term)/\(entry.index) behind term \(previous), \
            another one behind term \(same.previousTerm)
            """)
        }
      } else {
        known[place].append(Known(entry: entry, previousTerm: previous))
      }
      if entry.term < previous { fail("node \(node): terms go back at \(entry.index)") }
      previous = entry.term
    }
  }

  // MARK: Elections

  /// A vote that a node cannot take back.
  mutating func voted(_ voter: NodeID, for candidate: NodeID, in term: Term) {
    guard isJudging, candidate != 0 else { return }
    let ballot = Ballot(voter: voter, term: term)
    if let other = votes[ballot] {
      if other != candidate {
        fail("node \(voter) votes for \(other) and for \(candidate) in term \(term)")
      }
      return
    }
    votes[ballot] = candidate
    candidacies.insert(term)
  }

  /// Terms in which nobody won.
  func lostElections(after term: Term) -> Int {
    candidacies.count { $0 > term && leaders[$0] == nil }
  }

  /// - Parameter life: Tells the lives of a node apart.
  mutating func elected(_ core: RaftCore, life: Int) {
    let (node, term) = (core.id, core.term)
    if let other = leaders[term], other != (node, life) {
      return fail(
        """
        election safety: node \(node) leads in term \(term) as node \(other.node) did\
        \(other.node == node ? " in an earlier life" : "")
        """)
    }
    leaders[term] = (node, life)
    let state = core.members.state
    if !state.hasQuorum({ votes[Ballot(voter: $0, term: term)] == node }) {
      fail("node \(node) leads in term \(term) without votes on a quorum's disks")
    }
    for (place, committed) in committed.enumerated() where committed.byTerm < term {
      checkLeader(core, has: committed.entry, at: LogIndex(place + 1))
    }
  }

  /// A leader has what is committed, as far as it is its own disk's.
  mutating func checkLeader(_ core: RaftCore, has entry: Entry, at index: LogIndex) {
    // Only what is committed is compacted.
    let hasIt = core.term(at: index).map { $0 == entry.term } ?? (index <= core.lastIndex)
    if !hasIt {
      fail(
        """
        leader completeness: node \(core.id) leads in term \(core.term) without the \
        committed entry \(entry.term)/\(index)
        """)
    }
  }

  // MARK: Commits

  /// The entries of a group's founding are committed by decree.
  mutating func founded(_ entries: [Entry]) {
    guard isJudging else { return }
    saw(entries, after: 0, at: 0)
    if committed.isEmpty {
      committed = entries.map { Committed(entry: $0, byTerm: 0) }
    }
  }

  /// A node knows more to be committed than before.
  ///
  /// - Parameters:
  ///   - isLeader: Whether it leads.
  ///   - holds: Whether a node's disk has an entry.
  /// - Returns: Entries that nobody has known to be committed before.
  @discardableResult
  mutating func committed(
    through index: LogIndex, from first: LogIndex, by core: RaftCore, isLeader: Bool,
    holds: (NodeID, LogPosition) -> Bool
  ) -> ArraySlice<Committed> {
    let before = committed.count
    commit(through: index, from: first, by: core, isLeader: isLeader, holds: holds)
    return committed[before...]
  }

  private mutating func commit(
    through index: LogIndex, from first: LogIndex, by core: RaftCore, isLeader: Bool,
    holds: (NodeID, LogPosition) -> Bool
  ) {
    guard isJudging else { return }
    let node = core.id
    if index > core.lastIndex { return fail("node \(node) commits more than it has") }
    for index in first...index {
      let term = core.term(at: index)
      if index <= LogIndex(committed.count) {
        let right = committed[Int(index) - 1].entry.term
        if let term, term != right {
          fail("node \(node) commits \(term)/\(index), but \(right)/\(index) is committed")
        }
        continue
      }
      guard let term, let entry = known(index, term) else {
        return fail("node \(node) commits \(index), which nobody has written")
      }
      guard isLeader else {
        return fail("node \(node) commits \(term)/\(index) and leads not")
      }
      if core.term(at: core.committed) != core.term {
        fail("node \(node) commits \(term)/\(index) of an earlier term by counting")
      }
      let position = LogPosition(term: term, index: index)
      if !core.members.state.hasQuorum({ holds($0, position) }) {
        fail("node \(node) commits \(term)/\(index) without a quorum's disks")
      }
      committed.append(Committed(entry: entry, byTerm: core.term))
      if entry.kind == .normal { committedData.insert(entry.data) }
    }
  }

  func isCommitted(_ data: ArraySlice<UInt8>) -> Bool { committedData.contains(data) }

  private func known(_ index: LogIndex, _ term: Term) -> Entry? {
    guard Int(index) < known.count else { return nil }
    return known[Int(index)].first { $0.entry.term == term }?.entry
  }

  /// A node's state machine takes an entry.
  mutating func applied(_ entry: Entry, by machine: Machine, _ life: Life) {
    guard isJudging else { return }
    let node = machine.id
    guard entry.index == life.applied + 1 else {
      return fail("node \(node) applies \(entry.index) after \(life.applied)")
    }
    guard entry.index <= LogIndex(committed.count), entry.index <= life.core.committed else {
      return fail("node \(node) applies \(entry.term)/\(entry.index), which is not committed")
    }
    if committed[Int(entry.index) - 1].entry != entry {
      fail("state machine safety: node \(node) applies another entry \(entry.index)")
    }
    if !machine.disk.contents.holds(entry.index, entry.term) {
      fail("node \(node) applies \(entry.index) before it is on its own disk")
    }
  }

  mutating func installed(_ snapshot: Snapshot, by machine: Machine, _ life: Life) {
    guard isJudging else { return }
    if snapshot.index < life.applied { fail("node \(machine.id) goes back to a snapshot") }
    guard snapshot.index <= LogIndex(committed.count),
      committed[Int(snapshot.index) - 1].entry.term == snapshot.term
    else { return fail("node \(machine.id) installs a snapshot of what is not committed") }
  }

  /// The membership after an entry, which is the same for all.
  mutating func has(_ state: MembershipState, after index: LogIndex, at node: NodeID) {
    // The founders know all of them from the start on.
    guard index >= founders else { return }
    if let other = members[index] {
      if other.sorted != state.sorted { fail("node \(node) has another membership at \(index)") }
    } else {
      members[index] = state
      everMembers.formUnion(state.nodes)
      if index > newestMembers.index { newestMembers = (index, state) }
    }
  }

  // MARK: Persist before send

  /// Whether what is synced justifies what a message promises.
  mutating func promises(_ message: Message, _ disk: ModelDisk.Contents) {
    guard isJudging else { return }
    let state = disk.hardState
    switch message.kind {
    case .vote where state.term < message.term:
      fail("node \(message.from) asks for votes in term \(message.term) before that is synced")
    case .voteResponse where !message.reject:
      if state.term < message.term || state.term == message.term && state.vote != message.to {
        fail("node \(message.from) votes in term \(message.term) before that is synced")
      }
      voted(message.from, for: message.to, in: message.term)
    case .appendResponse where !message.reject:
      // Once a later term is synced, this one's leader can do nothing any more with what was replaced.
      if state.term < message.term
        || state.term == message.term && disk.lastIndex < message.index
      {
        fail("node \(message.from) acknowledges \(message.index) before that is synced")
      }
    default: break
    }
  }
}
