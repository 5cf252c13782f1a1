// Starting, crashing, and what lies in between: the shell of one node.

import RaftCore

extension Simulation {
  // MARK: Starting

  func start(_ machine: Machine) {
    guard machine.life == nil else { return }
    // What was founded and not synced was promised to nobody.
    let isFounding = machine.isFounder && machine.disk.contents.hardState.term == 0
    if isFounding { machine.disk.wipe() }
    machine.lives += 1
    guard let life = makeLife(machine) else { return }
    machine.life = life
    life.wasMember = life.members.contains(machine.id)
    say("n\(machine.id) starts: \(text(of: life.core))")
    if isFounding { found(life) }
    check(machine, life)
    queue.add(.tick(machine.place, life: life.number), at: now + 1 + dice.below(machine.tick))
    carryOn(machine, life)
  }

  private func makeLife(_ machine: Machine) -> Life? {
    let contents = machine.disk.contents
    var configuration = profile.configuration
    configuration.id = machine.id
    var snapshot = contents.snapshot
    let membersIndex = SnapshotData.decode(snapshot.data) ?? snapshot.index
    if dice.chance(500) { snapshot.data = [] }
    let position = LogPosition(term: snapshot.term, index: snapshot.index)
    let isShort = contents.term(at: snapshot.index) == snapshot.term && dice.chance(300)
    var log = LogTail(after: isShort ? position : contents.base)
    do {
      for entry in contents.entries where entry.index > log.base.index {
        try log.append(entry, keeping: configuration.tailSize)
      }
      let core = try RaftCore(
        configuration, hardState: contents.hardState, snapshot: snapshot, log: log,
        seed: dice.next())
      let state = contents.hardState
      if core.term < state.term || core.term == state.term && core.vote != state.vote
        || core.committed < state.commit
      {
        judge.fail("node \(machine.id) starts with another state than its disk has")
      }
      return Life(
        number: machine.lives, core: core, applied: snapshot.index, members: snapshot.members,
        membersIndex: membersIndex,
        fuse: healedAt == nil ? profile.fuse.map { dice.within($0) } : nil)
    } catch {
      judge.fail("node \(machine.id) does not start: \(error)")
      say("n\(machine.id) does not start: \(error)")
      // Where nothing is guaranteed, it is replaced.
      machine.disk.wipe()
      queue.add(.start(machine.place), at: now + dice.within(profile.downTime))
      return nil
    }
  }

  private func found(_ life: Life) {
    let founders = machines.filter(\.isFounder).map { machine in
      let change = MembershipChange(steps: [MembershipChange.Step(.addVoter, machine.id)])
      return (node: machine.id, change: ChangeCoding.encode(change))
    }
    do { try life.core.bootstrap(founders) } catch {
      return judge.fail("no founding: \(error)")
    }
    judge.founded(
      founders.enumerated().map {
        Entry(
          kind: .change, term: 1, index: LogIndex($0.offset + 1), data: $0.element.change)
      })
  }

  // MARK: Crashing

  func crash(_ machine: Machine, _ reason: @autoclosure () -> String) {
    guard machine.life != nil else { return }
    machine.life = nil
    machine.failsNextSync = false
    counts.crashes += 1
    let loss = machine.disk.crash(&dice)
    say(
      """
      n\(machine.id) crashes: \(reason()). Of \(loss.unsynced) unsynced writes \(loss.kept) are there. \
      Disk: \(machine.disk.contents.text)
      """)
    if profile.kind == .losesDisks, healedAt == nil, dice.chance(200) {
      machine.disk.lose(&dice)
      say("n\(machine.id) loses synced writes. Disk: \(machine.disk.contents.text)")
    }
    // A removed node stays down until somebody looks after the group.
    guard healedAt == nil, !machine.isRemoved else { return }
    queue.add(.start(machine.place), at: now + dice.within(profile.downTime))
  }

  /// Where nothing is guaranteed: a node that has ended is replaced by an empty one, so that there are always some left.
  private func replace(_ machine: Machine) {
    crash(machine, "it has a fault")
    machine.disk.wipe()
  }

  /// A boundary between two effects, where a node may crash.
  ///
  /// - Returns: Whether it still lives.
  func passes(_ machine: Machine, _ life: Life, _ place: @autoclosure () -> String) -> Bool {
    guard machine.life === life else { return false }
    guard let fuse = life.fuse, healedAt == nil else { return true }
    if fuse > 0 {
      life.fuse = fuse - 1
      return true
    }
    crash(machine, place())
    return false
  }

  // MARK: Time

  func tick(_ machine: Machine, _ life: Life) {
    queue.add(.tick(machine.place, life: life.number), at: now + machine.tick)
    life.core.tick()
    check(machine, life)
    if life.glance.fault != nil, dice.chance(100) { return replace(machine) }
    if life.isLeader {
      checkBounds(machine, life)
      makeWay(machine, life)
    }
    carryOnSoon(machine, life)
  }

  /// A leader that has no vote any more hands leadership to somebody who has.
  private func makeWay(_ machine: Machine, _ life: Life) {
    let state = life.core.members.state
    guard life.wasMember, state.votersOutgoing.isEmpty, !state.voters.contains(machine.id),
      let node = dice.pick(state.voters)
    else { return }
    say("n\(machine.id) has no vote, and hands leadership to n\(node)")
    life.core.transferLeadership(to: node)
  }

  // MARK: Carrying out

  /// Looks at what is ready now, or after a few more inputs.
  func carryOnSoon(_ machine: Machine, _ life: Life) {
    check(machine, life)
    guard !life.isCarryOnDue else { return }
    if dice.chance(800) { return carryOn(machine, life) }
    life.isCarryOnDue = true
    queue.add(.carryOn(machine.place, life: life.number), at: now + 1 + dice.below(10))
  }

  func carryOn(_ machine: Machine, _ life: Life) {
    check(machine, life)
    while machine.life === life, life.glance.hasReady, judge.problem == nil {
      let ready = life.core.ready()
      if ready.isEmpty { judge.failAnyway("node \(machine.id) is ready with nothing") }
      drainEvents(machine, life)
      guard passes(machine, life, "with something to do") else { return }
      carryOut(ready, machine, life)
      if machine.life === life { check(machine, life) }
    }
    drainEvents(machine, life)
  }

  private func drainEvents(_ machine: Machine, _ life: Life) {
    let events = life.core.takeEvents()
    guard isPrinting else { return }
    for event in events { say("  \(event.text(of: machine.id))") }
  }

  /// The parts may be carried out in any order.
  private func carryOut(_ ready: RaftCore.Ready, _ machine: Machine, _ life: Life) {
    let first = dice.below(4)
    for part in 0..<4 {
      switch (first + part) % 4 {
      case 0:
        for message in ready.messages {
          guard passes(machine, life, "before it sends \(message.text)") else { return }
          judge.promises(message, machine.disk.contents)
          send(message, machine, life)
        }
      case 1: if let persist = ready.persist { write(persist, machine, life) }
      case 2: if !ready.committed.isEmpty { handOver(ready.committed, machine, life) }
      default: for read in ready.reads { self.read(read, machine, life) }
      }
      guard passes(machine, life, "with a part of what it had to do") else { return }
    }
    for state in ready.readStates { checkRead(state, machine) }
  }

  // MARK: Checking

  /// Looks at what an input made of a core.
  func check(_ machine: Machine, _ life: Life) {
    let before = life.glance
    let glance = Glance(&life.core)
    life.glance = glance
    if let fault = glance.fault, profile.kind == .sound {
      return judge.fail("node \(machine.id) has a fault: \(fault)")
    }
    if glance.term < before.term || glance.committed < before.committed {
      judge.fail("node \(machine.id) goes back to term \(glance.term), commit \(glance.committed)")
    }
    if glance.isLeader, life.leaderTerm != glance.term {
      life.leaderTerm = glance.term
      counts.elections += 1
      say("n\(machine.id) LEADS in term \(glance.term)")
      judge.elected(life.core, life: life.number)
    }
    if glance.committed > life.judged {
      let first = life.judged + 1
      life.judged = glance.committed
      judgeCommits(from: first, machine, life)
    }
  }

  private func judgeCommits(from first: LogIndex, _ machine: Machine, _ life: Life) {
    let new = judge.committed(
      through: life.glance.committed, from: first, by: life.core, isLeader: life.isLeader
    ) { node, position in
      self.machine(of: node)?.disk.contents.holds(position.index, position.term) ?? false
    }
    guard !new.isEmpty else { return }
    for (_, other) in running where other.isLeader && other.core.term > life.core.term {
      for committed in new {
        judge.checkLeader(other.core, has: committed.entry, at: committed.entry.index)
      }
    }
  }

  /// What a leader may have on its way.
  private func checkBounds(_ machine: Machine, _ life: Life) {
    let status = life.core.status
    for node in status.progress.nodes {
      guard let progress = status.progress[node] else { continue }
      if progress.inflights.count > profile.configuration.maxInflightMessages {
        judge.fail("node \(machine.id) has too many messages on their way to \(node)")
      }
    }
    if network.inFlight > ModelNetwork<Message>.maximumInFlight {
      judge.failAnyway("a storm of messages")
    }
  }
}
