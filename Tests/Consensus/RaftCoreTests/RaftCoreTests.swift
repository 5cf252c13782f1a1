import Testing

@testable import RaftCore

/// What etcd's traces do not show of a node.
@Suite struct RaftCoreTests {
  private static let start = Snapshot(
    index: 2, term: 1, members: MembershipState(voters: [1, 2, 3]))

  /// A member of a group of three, in term 1.
  private static func core(
    entries: [Entry] = [], snapshot: Snapshot = start, hardState: HardState? = nil,
    _ change: (inout RaftCore.Configuration) -> Void = { _ in }
  ) throws -> RaftCore {
    var configuration = RaftCore.Configuration(id: 1)
    change(&configuration)
    var log = LogTail(after: LogPosition(term: snapshot.term, index: snapshot.index))
    for entry in entries { try log.append(entry, keeping: configuration.tailSize) }
    return try RaftCore(
      configuration, hardState: hardState ?? HardState(term: 1, vote: 0, commit: snapshot.index),
      snapshot: snapshot, log: log, seed: 1)
  }

  /// Does all that is to be done at once.
  ///
  /// - Returns: What is sent.
  @discardableResult
  private static func settle(_ core: inout RaftCore) -> [Message] {
    var sent: [Message] = []
    while core.hasReady {
      let ready = core.ready()
      sent += ready.messages
      if let persist = ready.persist {
        sent += persist.replies(of: core.id)
        core.persisted(persist)
      }
      if let last = ready.committed.last { core.applied(through: last.index) }
    }
    return sent
  }

  private static func lead(_ core: inout RaftCore) throws {
    core.campaign()
    settle(&core)
    try core.step(Message(.voteResponse, to: 1, from: 2, term: core.term))
    #expect(core.softState == RaftCore.SoftState(leader: 1, role: .leader))
  }

  // MARK: Committing

  /// Paper, 5.4.2 and figure 8: what an earlier term left is not committed by counting.
  @Test func earlierTermsAreCommittedAlongWithTheLeadersOwn() throws {
    var core = try Self.core(entries: [Entry(term: 1, index: 3)])
    try Self.lead(&core)
    try core.step(Message(.appendResponse, to: 1, from: 2, term: 2, index: 3))
    Self.settle(&core)
    #expect(core.committed == 2)
    try core.step(Message(.appendResponse, to: 1, from: 2, term: 2, index: 4))
    #expect(core.committed == 4)
  }

  /// The leader's own count waits for its disk, too.
  @Test func aLeaderCountsItselfOnceItHasWritten() throws {
    var core = try Self.core()
    try Self.lead(&core)
    let ready = core.ready()
    try core.step(Message(.appendResponse, to: 1, from: 2, term: 2, index: 3))
    #expect(core.committed == 2)
    core.persisted(try #require(ready.persist))
    #expect(core.committed == 3)
  }

  /// Behind what the message covers, a follower's log may be another one.
  @Test func aFollowerCommitsNoMoreThanWasCompared() throws {
    var core = try Self.core(entries: [Entry(term: 1, index: 3), Entry(term: 1, index: 4)])
    try core.step(
      Message(
        .append, to: 1, from: 2, term: 2, logTerm: 1, index: 2, entries: [Entry(term: 1, index: 3)],
        commit: 4))
    #expect(core.committed == 3)
    #expect(core.fault == nil)
  }

  @Test func nothingOfALaterTermIsPersistedByAnEarlierWrite() throws {
    var core = try Self.core()
    func append(_ term: Term, _ from: NodeID) throws -> RaftCore.Persist? {
      try core.step(
        Message(
          .append, to: 1, from: from, term: term, logTerm: 1, index: 2,
          entries: [Entry(term: 2, index: 3)], commit: 3))
      return core.ready().persist
    }
    let first = try #require(try append(2, 2))
    try core.step(Message(.heartbeat, to: 1, from: 3, term: 3))
    core.persisted(first)
    #expect(core.ready().committed.isEmpty, "something else might have been written in between")
  }

  /// What is applied late is part of the snapshot already, whose membership is in force.
  @Test func aSnapshotsMembershipStands() throws {
    var core = try Self.core(
      entries: [Entry(kind: .change, term: 1, index: 3, data: [1])],
      hardState: HardState(term: 1, vote: 0, commit: 3))
    #expect(core.ready().committed.map(\.index) == [3])
    let members = MembershipState(voters: [1, 2])
    try core.step(
      Message(
        .snapshot, to: 1, from: 2, term: 2, snapshot: Snapshot(index: 9, term: 2, members: members))
    )
    let state = try core.apply(MembershipChange(steps: [.init(.addVoter, 4)]))
    core.applied(through: 3)
    #expect(state == members && core.members.state == members)
    core.persisted(try #require(core.ready().persist))
    #expect(core.applied == 9 && core.fault == nil)
    // Those that were handed out before the snapshot may be reported late.
    core.applied(through: 3)
    #expect(core.applied == 9 && core.fault == nil)
  }

  // MARK: Elections

  /// Who has the lowest id campaigns once the leader's lease is over on all nodes, then the next one.
  @Test(arguments: [(leader: NodeID(2), ticks: 11), (leader: 3, ticks: 11)])
  func theFirstOfThoseLeftCampaignsSoonAfterTheLeaderIsGone(
    leader: NodeID, ticks: Int
  ) throws {
    for seed in UInt64(1)...20 {
      var core = try RaftCore(
        RaftCore.Configuration(id: 1), hardState: HardState(term: 1, vote: 0, commit: 2),
        snapshot: Self.start, log: LogTail(after: LogPosition(term: 1, index: 2)), seed: seed)
      #expect(try Self.ticksToCampaign(&core, leader: leader) == ticks)
    }
  }

  @Test func theOthersWaitForTheirTurn() throws {
    var core = try Self.core { $0.id = 3 }
    #expect(try Self.ticksToCampaign(&core, leader: 1) == 12)
    core = try Self.core { $0.id = 3 }
    #expect(try Self.ticksToCampaign(&core, leader: 2) == 12)
  }

  /// A broken connection to someone else changes nothing, nor does it while nobody leads.
  @Test func onlyTheLeadersConnectionCounts() throws {
    var core = try Self.core()
    try core.step(Message(.heartbeat, to: 1, from: 2, term: 1))
    let before = core
    core.reportDisconnected(3)
    core.reportDisconnected(0)
    #expect(core == before)
    core.campaign()
    let candidate = core
    core.reportDisconnected(2)
    #expect(core == candidate)
  }

  /// Ticks from the leader's last heartbeat on, if the connection to it breaks then.
  private static func ticksToCampaign(_ core: inout RaftCore, leader: NodeID) throws -> Int {
    try core.step(Message(.heartbeat, to: core.id, from: leader, term: 1))
    core.reportDisconnected(leader)
    var ticks = 0
    while core.softState.role == .follower {
      core.tick()
      ticks += 1
    }
    return ticks
  }

  /// A member that does not know the voters must not count votes.
  @Test func nobodyCampaignsWithAChangeToApply() throws {
    let change = Entry(kind: .change, term: 1, index: 3, data: [1])
    for commit: LogIndex in [2, 3] {
      var core = try Self.core(
        entries: [change], hardState: HardState(term: 1, vote: 0, commit: commit))
      core.campaign()
      #expect(core.softState.role == (commit == 3 ? .follower : .candidate))
    }
  }

  @Test func timeOutsAreRandomAndRepeatable() throws {
    var ticks: Set<Int> = []
    for seed: UInt64 in 0..<200 {
      func count() throws -> Int {
        var core = try RaftCore(
          RaftCore.Configuration(id: 1), snapshot: Self.start,
          log: LogTail(after: LogPosition(term: 1, index: 2)), seed: seed)
        var count = 0
        while core.softState.role == .follower {
          core.tick()
          count += 1
        }
        return count
      }
      let first = try count()
      #expect(try count() == first)
      ticks.insert(first)
    }
    #expect(ticks == Set(10...19))
  }

  @Test func aVoteIsGivenOnce() throws {
    var core = try Self.core()
    for node: NodeID in [2, 3, 2] {
      try core.step(Message(.vote, to: 1, from: node, term: 2, logTerm: 1, index: 2))
    }
    let sent = Self.settle(&core)
    #expect(sent.map(\.to) == [2, 3, 2])
    #expect(sent.map(\.reject) == [false, true, false])
  }

  /// A crash must not make it forget in which term it asked.
  @Test func aCandidateAsksOnceItsVoteIsWritten() throws {
    var core = try Self.core()
    core.campaign()
    let ready = core.ready()
    #expect(ready.messages.isEmpty)
    #expect(ready.persist?.hardState == HardState(term: 2, vote: 1, commit: 2))
    #expect(ready.persist?.replies(of: 1).map(\.kind) == [.vote, .vote])
  }

  /// Nothing that rests on a vote leaves before it is written.
  @Test func aVoteLeavesWithItsWrite() throws {
    var core = try Self.core()
    try core.step(Message(.vote, to: 1, from: 2, term: 2, logTerm: 1, index: 2))
    let ready = core.ready()
    #expect(ready.messages.isEmpty)
    #expect(ready.persist?.hardState == HardState(term: 2, vote: 2, commit: 2))
    #expect(ready.persist?.mustSync == true)
    #expect(ready.persist?.replies(of: 1).map(\.kind) == [.voteResponse])
  }

  // MARK: The quorum

  @Test func activeAreThoseThatWereHeardWithinATimeOut() throws {
    var core = try Self.core { $0.checkQuorum = true }
    #expect(core.activeVoters.isEmpty)
    try Self.lead(&core)
    #expect(core.activeVoters == [1])
    for _ in 0..<25 {
      core.tick()
      try core.step(Message(.heartbeatResponse, to: 1, from: 2, term: 2))
      // etcd forgets all of them at each check of the quorum.
      #expect(core.activeVoters == [1, 2])
    }
    try core.step(Message(.heartbeatResponse, to: 1, from: 3, term: 2))
    for _ in 0..<10 { core.tick() }
    #expect(core.activeVoters == [1, 2, 3])
    for _ in 0..<10 { core.tick() }
    #expect(core.softState.role == .follower)
    #expect(core.activeVoters.isEmpty)
  }

  // MARK: Other releases

  /// 1.4 tells no term in a rejection.
  @Test func aRejectionWithoutATermMovesToItsIndex() throws {
    var core = try Self.core(entries: (3...9).map { Entry(term: 1, index: $0) })
    try Self.lead(&core)
    Self.settle(&core)
    try core.step(
      Message(.appendResponse, to: 1, from: 2, term: 2, index: 9, reject: true, rejectHint: 5))
    let sent = Self.settle(&core).last { $0.to == 2 }
    #expect(sent?.index == 5 && sent?.entries.first?.index == 6)
  }

  @Test func nobodySpeaksForTheNodeItself() throws {
    var core = try Self.core()
    try Self.lead(&core)
    for kind: Message.Kind in [.appendResponse, .append, .heartbeat, .vote, .voteResponse] {
      #expect(throws: RaftCore.StepRefusal.malformed("a message from this node itself")) {
        try core.step(Message(kind, to: 1, from: 1, term: 2, logTerm: 1, index: 3))
      }
    }
    #expect(core.committed == 2)
  }

  // MARK: Entries from the disk

  @Test func entriesThatDoNotBelongToTheLogAreNotSent() throws {
    var core = try Self.core(entries: (3...6).map { Entry(term: 1, index: $0) }) {
      $0.tailSize = 0
    }
    try Self.lead(&core)
    Self.settle(&core)
    try core.step(
      Message(.appendResponse, to: 1, from: 2, term: 2, index: 6, reject: true, rejectHint: 2))
    let read = try #require(core.ready().reads.first)
    #expect(read.purpose == .replicating(to: 2) && read.range.lowerBound == 3)
    var other = core
    other.loaded(read, [Entry(term: 9, index: 3)])
    other.loaded(read, [Entry(term: 1, index: 3)])
    #expect(!other.hasReady, "each read is answered once")
    core.loaded(read, [Entry(term: 1, index: 3)])
    let sent = core.ready().messages
    #expect(sent.map(\.entries) == [[Entry(term: 1, index: 3)]])
  }

  /// Unwritten entries are read by nobody else, so they stay.
  @Test func whatIsNotWrittenStaysInMemory() throws {
    var core = try Self.core {
      $0.tailSize = 0
      $0.maxApplyingSize = 1
    }
    try Self.lead(&core)
    for _ in 0..<50 { try core.propose([1, 2, 3]) }
    #expect(core.log.tail.firstInMemory == 3)
    Self.settle(&core)
    #expect(core.log.tail.firstInMemory > core.lastIndex)
  }

  // MARK: What etcd leaves open

  /// A commit index need not be on the disk, so that after a start more may be committed than it says.
  @Test func theOnlyVotersReadsWaitForAnEntryOfItsTerm() throws {
    var core = try Self.core(
      entries: [Entry(term: 1, index: 3)],
      snapshot: Snapshot(index: 2, term: 1, members: MembershipState(voters: [1])))
    core.campaign()
    core.persisted(try #require(core.ready().persist))
    #expect(core.leader == 1)
    core.readIndex([7])
    let ready = core.ready()
    #expect(ready.readStates.isEmpty)
    core.persisted(try #require(ready.persist))
    #expect(core.ready().readStates.map(\.index) == [4])
  }

  @Test func aJointConfigurationIsLeftAfterATransferThatFailed() throws {
    let members = MembershipState(
      voters: [1, 2], votersOutgoing: [1, 2, 3], autoLeave: true)
    var core = try Self.core(snapshot: Snapshot(index: 2, term: 1, members: members))
    try Self.lead(&core)
    core.transferLeadership(to: 2)
    Self.settle(&core)
    try core.step(Message(.appendResponse, to: 1, from: 2, term: 2, index: 3))
    Self.settle(&core)
    #expect(core.applied == 3 && core.lastIndex == 3)
    for _ in 0..<core.configuration.electionTick { core.tick() }
    #expect(core.lastIndex == 4)
  }
}
