// One core among liars: messages that no group would send, and some that one would.

import RaftCore
import TestSupport

/// Feeds a core with random inputs and looks whether what must always hold still does.
struct CoreFuzzer {
  private(set) var core: RaftCore
  private var random: SplitMix64
  private var disk: ModelDisk
  private var persists: [RaftCore.Persist] = []
  private var reads: [RaftCore.LogRead] = []
  private var handedOut: LogIndex
  /// Handed out, to be applied.
  private var waiting: [Entry] = []
  private var applied: LogIndex
  private var before: HardState
  /// The first thing that did not hold.
  private(set) var problem: String?

  init(seed: UInt64) throws {
    random = SplitMix64(seed: seed)
    var configuration = RaftCore.Configuration(id: 1)
    configuration.electionTick = 3
    configuration.preVote = random.next() % 2 == 0
    configuration.checkQuorum = random.next() % 2 == 0
    configuration.stepDownOnRemoval = random.next() % 2 == 0
    configuration.disableChangeValidation = random.next() % 2 == 0
    configuration.tailSize = random.next() % 2 == 0 ? 0 : 100
    configuration.maxMessageSize = Int(random.next() % 60)
    configuration.maxApplyingSize = 1 + Int(random.next() % 60)
    configuration.maxUncommittedSize = 1 + Int(random.next() % 60)
    configuration.maxInflightMessages = 1 + Int(random.next() % 3)
    var start = Snapshot()
    if random.next() % 4 > 0 {
      start = Snapshot(
        index: 3, term: 2, members: MembershipState(voters: [1, 2, 3], learners: [4]))
    }
    disk = ModelDisk(snapshot: start)
    handedOut = start.index
    applied = start.index
    core = try disk.start(configuration, seed: seed)
    before = core.hardState
  }

  mutating func run(steps: Int) {
    if random.next() % 2 == 0 { lead() }
    for _ in 0..<steps where problem == nil && core.fault == nil {
      act()
      _ = core.takeEvents().map { $0.text(of: 1) }
      check()
    }
    if core.fault != nil, core.hasReady || !core.ready().isEmpty { report("work after a fault") }
  }

  private mutating func report(_ text: String) { problem = problem ?? text }

  /// Half of the histories begin with an election that is won.
  private mutating func lead() {
    core.campaign()
    for _ in 0..<3 {
      takeReady()
      while !persists.isEmpty { sync() }
      for node in 2...3 as ClosedRange<NodeID> {
        _ = try? core.step(Message(.voteResponse, to: 1, from: node, term: core.term))
        _ = try? core.step(Message(.preVoteResponse, to: 1, from: node, term: core.term + 1))
      }
    }
  }

  // MARK: Inputs

  private mutating func act() {
    switch random.next() % 20 {
    case 0: core.tick()
    case 1: core.campaign()
    case 2: _ = try? core.propose(data())
    case 3: proposeChange()
    case 4: core.transferLeadership(to: random.next() % 6)
    case 5: core.forgetLeader()
    case 6: core.readIndex(data())
    case 7: core.reportUnreachable(random.next() % 6)
    case 8: core.reportSnapshot(to: random.next() % 6, arrived: random.next() % 2 == 0)
    case 9, 10: takeReady()
    case 11, 12: sync()
    case 13, 16: apply()
    case 14: answerRead()
    case 15: snapshot()
    default: _ = try? core.step(message())
    }
  }

  private mutating func data() -> ArraySlice<UInt8> {
    ArraySlice(repeating: 7, count: Int(random.next() % 12))
  }

  private mutating func proposeChange() {
    let kinds: [MembershipChange.Kind] = [.addVoter, .remove, .update, .addLearner]
    let steps = (0..<(random.next() % 3)).map { _ in
      MembershipChange.Step(kinds[Int(random.next() % 4)], random.next() % 6)
    }
    let change = MembershipChange(steps: steps)
    _ = try? core.propose(change, as: .changeV2, data: TraceChange.encode(change))
  }

  private mutating func sync() {
    guard !persists.isEmpty else { return }
    let persist = persists.removeFirst()
    if let problem = disk.write(persist) { report(problem) }
    if let snapshot = persist.snapshot { applied = max(applied, snapshot.index) }
    core.persisted(persist)
  }

  private mutating func apply() {
    guard !waiting.isEmpty else { return }
    let entry = waiting.removeFirst()
    if entry.kind != .normal {
      let change = try? TraceChange.decode(entry.data)
      _ = try? core.apply(change ?? MembershipChange(steps: []))
    }
    applied = max(applied, entry.index)
    core.applied(through: entry.index)
  }

  private mutating func answerRead() {
    guard !reads.isEmpty else { return }
    let read = reads.remove(at: Int(random.next() % UInt64(reads.count)))
    core.loaded(read, random.next() % 8 == 0 ? [] : disk.answer(read))
  }

  private mutating func snapshot() {
    guard let entry = disk.entry(at: applied) else { return }
    let snapshot = Snapshot(index: applied, term: entry.term, members: core.members.state)
    core.snapshotTaken(snapshot)
    disk.take(snapshot)
    // What is handed out stays readable until it is applied.
    core.compact(through: applied)
    if core.status.firstIndex == applied + 1 { disk.compact(through: applied) }
  }

  private mutating func takeReady() {
    let ready = core.ready()
    for message in ready.messages {
      let isPromise =
        message.kind == .appendResponse || message.kind == .voteResponse
        || message.kind == .preVoteResponse
      if isPromise { report("\(message.kind) before the disk has what it promises") }
      if message.to == core.id { report("a message to itself") }
      if message.problem(in: core) { report("a message that no node would take: \(message)") }
    }
    reads += ready.reads
    if let persist = ready.persist {
      persists.append(persist)
      if let snapshot = persist.snapshot { handedOut = max(handedOut, snapshot.index) }
    }
    for entry in ready.committed {
      if entry.index != handedOut + 1 { report("\(entry.index) after \(handedOut)") }
      if disk.entry(at: entry.index) != entry { report("\(entry.index) is not on the disk") }
      if entry.index > core.committed { report("\(entry.index) is not committed") }
      handedOut = entry.index
      waiting.append(entry)
    }
  }

  // MARK: Messages

  private mutating func message() -> Message {
    let kind = Message.Kind.allCases[Int(random.next() % UInt64(Message.Kind.allCases.count))]
    let index = near(core.lastIndex)
    let logTerm = core.term(at: index) ?? near(core.term)
    var message = Message(
      kind, to: 1, from: wild(random.next() % 6), term: wild(near(core.term)),
      logTerm: random.next() % 4 == 0 ? wild(near(core.term)) : logTerm, index: wild(index),
      commit: wild(random.next() % 3 == 0 ? near(core.committed) : min(core.committed, index)),
      reject: random.next() % 3 == 0, rejectHint: wild(near(core.lastIndex)),
      context: random.next() % 4 == 0 ? Array("CampaignTransfer".utf8)[...] : data())
    if random.next() % 4 > 0 { message.entries = entries(behind: message) }
    if random.next() % 4 > 0 {
      message.snapshot = Snapshot(
        index: wild(near(core.lastIndex + 3)), term: wild(near(core.term)), members: members())
    }
    return message
  }

  private mutating func entries(behind message: Message) -> [Entry] {
    var position = LogPosition(term: message.logTerm, index: message.index)
    return (0..<(random.next() % 4)).map { _ in
      position.index = position.index &+ (random.next() % 30 == 0 ? random.next() % 3 : 1)
      if random.next() % 4 == 0, position.term < message.term { position.term += 1 }
      if random.next() % 30 == 0 { position.term = wild(position.term) }
      let kind = Entry.Kind(rawValue: UInt32(random.next() % 8)) ?? .normal
      return Entry(kind: kind, term: position.term, index: position.index, data: data())
    }
  }

  private mutating func members() -> MembershipState {
    func nodes(_ count: UInt64) -> [NodeID] {
      (0..<(random.next() % count)).map { _ in random.next() % 6 }
    }
    var state = MembershipState(voters: [1, 2, 3])
    if random.next() % 3 == 0 {
      state = MembershipState(
        voters: nodes(4), learners: nodes(2), votersOutgoing: nodes(2), learnersNext: nodes(2),
        autoLeave: random.next() % 2 == 0)
    }
    return state
  }

  /// Some number not far away.
  private mutating func near(_ number: UInt64) -> UInt64 {
    let moved = number &+ random.next() % 5 &- 3
    return random.next() % 2 == 0 || moved > number &+ 5 ? number : moved
  }

  /// Now and then, any number.
  private mutating func wild(_ number: UInt64) -> UInt64 {
    switch random.next() % 200 {
    case 0: .max
    case 1: random.next()
    case 2: (1 << 62) + random.next() % 3
    case 3: 0
    default: number
    }
  }

  // MARK: What must always hold

  private mutating func check() {
    let now = core.hardState
    if now.term < before.term { report("the term goes back") }
    if now.term == before.term, before.vote != 0, now.vote != before.vote {
      report("two votes in term \(now.term)")
    }
    if now.commit < before.commit { report("the commit index goes back") }
    if now.commit > core.lastIndex { report("more is committed than there is") }
    if core.applied > now.commit { report("more is applied than is committed") }
    before = now
  }
}

extension Message {
  /// Whether another node would call it malformed.
  fileprivate func problem(in core: RaftCore) -> Bool {
    var other = core
    var message = self
    message.from = 2
    do { try other.step(message) } catch RaftCore.StepRefusal.malformed { return true } catch {}
    return false
  }
}
