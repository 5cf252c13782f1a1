// What a node's shell does with its disk: writes at once, syncs for all that was written, and only then tells.

import RaftCore

extension Simulation {
  // MARK: Writing

  func write(_ persist: RaftCore.Persist, _ machine: Machine, _ life: Life) {
    if let first = persist.entries.first, let before = life.core.term(at: first.index - 1) {
      judge.saw(persist.entries, after: before, at: machine.id)
    }
    var writes: [ModelDisk.Write] = []
    if let snapshot = persist.snapshot { writes.append(.snapshot(snapshot)) }
    if !persist.entries.isEmpty { writes.append(.entries(persist.entries)) }
    if let hardState = persist.hardState { writes.append(.hardState(hardState)) }
    say("n\(machine.id) writes \(persist.text)")
    write(writes, .persist(persist), mustSync: persist.mustSync, machine, life)
  }

  func write(_ snapshot: Snapshot, takenBy machine: Machine, _ life: Life) {
    say("n\(machine.id) takes a snapshot of \(snapshot.term)/\(snapshot.index)")
    write([.snapshot(snapshot)], .taken(snapshot), mustSync: true, machine, life)
  }

  private func write(
    _ writes: [ModelDisk.Write], _ content: Life.Item.Content, mustSync: Bool, _ machine: Machine,
    _ life: Life
  ) {
    machine.disk.write(writes)
    life.items.append(Life.Item(content: content, mustSync: mustSync))
    startWriting(machine, life)
  }

  /// Begins a round for all that was written, if none is under way and somebody waits.
  private func startWriting(_ machine: Machine, _ life: Life) {
    guard life.underWay == nil, life.items.contains(where: { !$0.isTold }) else { return }
    life.underWay = life.items.count
    var time = 1 + dice.below(2)
    if life.items.contains(where: \.mustSync) {
      time = healedAt == nil ? dice.within(profile.syncTime) : 1 + dice.below(2)
      if now < machine.slowUntil { time += dice.below(10 * Profile.tick) }
    }
    queue.add(.written(machine.place, life: life.number), at: now + time)
  }

  // MARK: Synced

  func written(_ machine: Machine, _ life: Life) {
    guard let count = life.underWay else { return }
    life.underWay = nil
    let mustSync = life.items.prefix(count).contains(where: \.mustSync)
    if mustSync, healedAt == nil,
      machine.failsNextSync || dice.chance(profile.failedSyncs)
    {
      return crash(machine, "a sync failed")
    }
    let done = life.items.prefix(count).filter { !$0.isTold }
    for place in 0..<count {
      if mustSync, !machine.disk.syncFirst() {
        judge.fail("node \(machine.id) writes entries that do not follow each other")
      }
      if !life.items[place].isTold { checkPromises(life.items[place], machine) }
      life.items[place].isTold = true
    }
    if mustSync { life.items.removeFirst(count) }
    say("n\(machine.id) \(mustSync ? "synced" : "wrote") \(machine.disk.contents.text)")
    for item in done {
      guard passes(machine, life, "with something synced") else { return }
      tell(item, machine, life)
    }
    guard machine.life === life else { return }
    startWriting(machine, life)
    carryOnSoon(machine, life)
  }

  /// What a node promises, to others and to itself, has to be on its disk.
  private func checkPromises(_ item: Life.Item, _ machine: Machine) {
    guard case .persist(let persist) = item.content else { return }
    let state = machine.disk.contents.hardState
    judge.voted(machine.id, for: state.vote, in: state.term)
    for message in persist.responses where message.kind != .storageAppendResponse {
      judge.promises(message, machine.disk.contents)
    }
  }

  private func tell(_ item: Life.Item, _ machine: Machine, _ life: Life) {
    switch item.content {
    case .persist(let persist):
      if let snapshot = persist.snapshot { install(snapshot, machine, life) }
      for message in persist.replies(of: machine.id) {
        guard passes(machine, life, "before it sends \(message.text)") else { return }
        send(message, machine, life)
      }
      guard passes(machine, life, "before it knows what is synced") else { return }
      life.core.persisted(persist)
    case .taken(let snapshot):
      life.core.snapshotTaken(snapshot)
      life.snapshotMembersIndexes[snapshot.index] = SnapshotData.decode(snapshot.data)
      guard passes(machine, life, "before it compacts its log") else { return }
      compact(machine, life, through: snapshot.index)
    }
    check(machine, life)
  }

  private func compact(_ machine: Machine, _ life: Life, through limit: LogIndex) {
    let base = machine.disk.contents.base.index
    guard limit > base, dice.chance(700) else { return }
    let index = base + 1 + LogIndex(dice.below(Int(limit - base)))
    let isDiskFirst = dice.chance(500)
    if isDiskFirst { machine.disk.compact(through: index) }
    guard passes(machine, life, "between compacting disk and memory") else { return }
    life.core.compact(through: index)
    if !isDiskFirst { machine.disk.compact(through: index) }
  }

  // MARK: Reading

  func read(_ read: RaftCore.LogRead, _ machine: Machine, _ life: Life) {
    life.reads.append(read)
    // One for each member and one to apply, and some that do not count any more.
    if life.reads.count > 100 { judge.fail("node \(machine.id) reads without end") }
    queue.add(
      .read(machine.place, life: life.number, number: read.number),
      at: now + (healedAt == nil ? dice.within(profile.syncTime) : 1))
  }

  func answerRead(_ number: UInt64, _ machine: Machine, _ life: Life) {
    guard let place = life.reads.firstIndex(where: { $0.number == number }) else { return }
    let read = life.reads.remove(at: place)
    var entries = machine.disk.contents.slice(read.range, maxSize: read.maxSize)
    if healedAt == nil, dice.chance(50) { entries = Array(entries.prefix(dice.below(2))) }
    say("n\(machine.id) has read \(entries.count) of \(read.range)")
    life.core.loaded(read, entries)
    carryOnSoon(machine, life)
  }
}
