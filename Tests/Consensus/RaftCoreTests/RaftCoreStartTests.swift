import Testing

@testable import RaftCore

@Suite struct RaftCoreStartTests {
  private static let members = MembershipState(voters: [1, 2, 3])

  private static func start(
    _ configuration: RaftCore.Configuration = RaftCore.Configuration(id: 1),
    _ hardState: HardState = HardState(), _ snapshot: Snapshot = Snapshot(),
    base: LogPosition = LogPosition(), entries: [Entry] = [], applied: LogIndex = 0
  ) throws -> RaftCore {
    var log = LogTail(after: base)
    for entry in entries { try log.append(entry, keeping: .max) }
    return try RaftCore(
      configuration, hardState: hardState, snapshot: snapshot, log: log, applied: applied, seed: 1)
  }

  private static func entries(_ range: ClosedRange<LogIndex>, term: Term = 1) -> [Entry] {
    range.map { Entry(term: term, index: $0) }
  }

  // MARK: A new group

  @Test func aGroupBeginsWithItsMembers() throws {
    var core = try Self.start()
    let change: ArraySlice<UInt8> = [9]
    try core.bootstrap([(1, change), (2, change)])
    #expect(core.members.state.voters == [1, 2])
    let ready = core.ready()
    let persist = try #require(ready.persist)
    #expect(persist.hardState == HardState(term: 1, vote: 0, commit: 2))
    #expect(persist.entries.map(\.kind) == [.change, .change])
    #expect(persist.entries.map(\.data) == [change, change])
    #expect(ready.committed.isEmpty)
    core.persisted(persist)
    let committed = core.ready().committed
    #expect(committed.map(\.index) == [1, 2])
    for node: NodeID in [1, 2] {
      try core.apply(MembershipChange(steps: [.init(.addVoter, node)]))
    }
    core.applied(through: 2)
    core.campaign()
    #expect(core.softState.role == .candidate)
  }

  @Test func aGroupIsFoundedOnce() throws {
    var core = try Self.start(entries: Self.entries(1...1))
    #expect(throws: RaftCore.StartRefusal.notEmpty) { try core.bootstrap([(1, [])]) }
    core = try Self.start()
    #expect(throws: RaftCore.StartRefusal.nobody) { try core.bootstrap([]) }
  }

  /// It has no members, so it neither campaigns nor votes against anybody.
  @Test func aNodeThatJoinsWaits() throws {
    var core = try Self.start()
    for _ in 0..<100 { core.tick() }
    core.campaign()
    #expect(core.softState.role == .follower && !core.hasReady)
    try core.step(Message(.vote, to: 1, from: 2, term: 5, logTerm: 4, index: 9))
    #expect(core.ready().persist?.replies(of: 1).first?.reject == false)
  }

  // MARK: After a crash

  @Test func whatWasCommittedIsHandedOutAgain() throws {
    let snapshot = Snapshot(index: 4, term: 1, members: Self.members)
    var core = try Self.start(
      RaftCore.Configuration(id: 1), HardState(term: 2, vote: 3, commit: 6), snapshot,
      base: LogPosition(term: 1, index: 2), entries: Self.entries(3...8))
    #expect(core.hardState == HardState(term: 2, vote: 3, commit: 6))
    #expect(core.applied == 4 && core.lastIndex == 8)
    #expect(core.ready().committed.map(\.index) == [5, 6])
    let texts = core.takeEvents().map { $0.text(of: 1) }
    #expect(
      texts == [
        "1 switched to configuration voters=(1 2 3)", "1 became follower at term 2",
        "newRaft 1 [peers: [1,2,3], term: 2, commit: 6, applied: 4, lastindex: 8, lastterm: 1]",
      ])
  }

  @Test func whatTheStateMachineHasIsNotHandedOut() throws {
    var core = try Self.start(
      RaftCore.Configuration(id: 1), HardState(term: 1, vote: 0, commit: 6),
      Snapshot(index: 4, term: 1, members: Self.members), base: LogPosition(term: 1, index: 4),
      entries: Self.entries(5...8), applied: 5)
    #expect(core.ready().committed.map(\.index) == [6])
  }

  /// A commit index need not be synced, so it may be behind the snapshot.
  @Test func theSnapshotIsCommitted() throws {
    var core = try Self.start(
      RaftCore.Configuration(id: 1), HardState(term: 1, vote: 2, commit: 1),
      Snapshot(index: 4, term: 1, members: Self.members), base: LogPosition(term: 1, index: 4))
    #expect(core.committed == 4)
    #expect(core.ready().persist?.hardState == HardState(term: 1, vote: 2, commit: 4))
  }

  /// A torn write ends between the entries and the hard state that belongs to them.
  @Test func entriesOfALaterTermRaiseIt() throws {
    let core = try Self.start(
      RaftCore.Configuration(id: 1), HardState(term: 1, vote: 2, commit: 4),
      Snapshot(index: 4, term: 1, members: Self.members), base: LogPosition(term: 1, index: 4),
      entries: Self.entries(5...5, term: 3))
    #expect(core.hardState == HardState(term: 3, vote: 0, commit: 4))
  }

  // MARK: What nobody starts from

  @Test func contradictionsAreRefused() {
    let snapshot = Snapshot(index: 4, term: 1, members: Self.members)
    let base = LogPosition(term: 1, index: 4)
    let configuration = RaftCore.Configuration(id: 1)
    #expect(throws: RaftCore.StartRefusal.commitOutOfRange(9, last: 5)) {
      try Self.start(
        configuration, HardState(term: 1, vote: 0, commit: 9), snapshot, base: base,
        entries: Self.entries(5...5))
    }
    #expect(throws: RaftCore.StartRefusal.gap(snapshot: 4, first: 1)) {
      try Self.start(configuration, HardState(), snapshot)
    }
    #expect(throws: RaftCore.StartRefusal.gap(snapshot: 4, first: 7)) {
      try Self.start(configuration, HardState(), snapshot, base: LogPosition(term: 1, index: 6))
    }
    #expect(throws: RaftCore.StartRefusal.appliedOutOfRange(5, committed: 4, commit: 4)) {
      try Self.start(configuration, HardState(), snapshot, base: base, applied: 5)
    }
    #expect(throws: RaftCore.StartRefusal.outOfRange) {
      try Self.start(configuration, HardState(term: .max, vote: 0, commit: 0))
    }
    #expect(throws: RaftCore.StartRefusal.outOfRange) {
      try Self.start(configuration, base: LogPosition(term: 1, index: .max))
    }
    #expect(throws: RaftCore.StartRefusal.self) {
      try Self.start(
        configuration, HardState(),
        Snapshot(index: 4, term: 1, members: MembershipState(voters: [1], learners: [1])),
        base: base)
    }
  }

  @Test func configurationsThatCannotWorkAreRefused() {
    let changes: [(inout RaftCore.Configuration) -> Void] = [
      { $0.id = 0 }, { $0.id = RaftCore.applyThread }, { $0.heartbeatTick = 0 },
      { $0.electionTick = 1 }, { $0.electionTick = .max }, { $0.maxInflightMessages = 0 },
      { $0.maxInflightSize = 1 }, { $0.maxApplyingSize = 0 }, { $0.tailSize = -1 },
      { $0.readSafety = .lease },
    ]
    for change in changes {
      var configuration = RaftCore.Configuration(id: 1)
      change(&configuration)
      #expect(throws: RaftCore.StartRefusal.self) { try Self.start(configuration) }
    }
  }
}
