// The state machine of a node: takes what is committed, in its own time.

import RaftCore

extension Simulation {
  func handOver(_ entries: [Entry], _ machine: Machine, _ life: Life) {
    life.applying += entries
    checkSize(machine, life)
    startApplying(machine, life)
  }

  /// No more is handed out than may be, but for one entry.
  private func checkSize(_ machine: Machine, _ life: Life) {
    let size = life.applying.reduce(0) { $0 + $1.encodedSize }
    let last = life.applying.last?.encodedSize ?? 0
    let limit = profile.configuration.maxApplyingSize
    if size > limit, size - last >= limit {
      judge.fail("node \(machine.id) has \(size) bytes to apply, of \(limit)")
    }
  }

  private func startApplying(_ machine: Machine, _ life: Life) {
    guard !life.isApplying, !life.applying.isEmpty else { return }
    life.isApplying = true
    queue.add(
      .apply(machine.place, life: life.number),
      at: now + (healedAt == nil ? dice.within(profile.applyTime) : 1))
  }

  func apply(_ machine: Machine, _ life: Life) {
    life.isApplying = false
    let count = min(1 + dice.below(4), life.applying.count)
    for _ in 0..<count {
      guard !life.applying.isEmpty else { break }
      let entry = life.applying.removeFirst()
      judge.applied(entry, by: machine, life)
      say("n\(machine.id) applies \(entry.text)")
      life.applied = entry.index
      if entry.kind != .normal, let change = ChangeCoding.decode(entry.data) {
        carryOutChange(change, at: entry.index, machine, life)
      }
      guard passes(machine, life, "before it tells what it applied") else { return }
      life.core.applied(through: entry.index)
      check(machine, life)
      guard passes(machine, life, "after it applied") else { return }
    }
    if dice.chance(profile.snapshots) { takeSnapshot(machine, life) }
    startApplying(machine, life)
    carryOnSoon(machine, life)
  }

  private func carryOutChange(
    _ change: MembershipChange, at index: LogIndex, _ machine: Machine, _ life: Life
  ) {
    do { life.members = try life.core.apply(change) } catch {
      return judge.fail("node \(machine.id) cannot apply \(change): \(error)")
    }
    counts.changes += 1
    // Behind a snapshot that is on its way, the change is an old one and the membership that of the snapshot.
    guard life.core.term(at: index) != nil else { return }
    if index >= life.membersIndex {
      life.membersIndex = index
      judge.has(life.members, after: index, at: machine.id)
    }
    noteMembership(machine, life)
  }

  /// A node that was a member and is none any more stops, as Fabric's do, but not at once.
  private func noteMembership(_ machine: Machine, _ life: Life) {
    if life.members.contains(machine.id) {
      life.wasMember = true
    } else if life.wasMember, life.applied >= life.membersIndex {
      life.wasMember = false
      machine.isRemoved = true
      say("n\(machine.id) is removed")
      queue.add(
        .stop(machine.place, life: life.number),
        at: now + dice.within(Profile.tick...(6 * Profile.tick)))
    }
  }

  // MARK: Snapshots

  func takeSnapshot(_ machine: Machine, _ life: Life) {
    guard life.applied > machine.disk.contents.snapshot.index, !life.isSnapshotUnderWay,
      let term = life.core.term(at: life.applied)
    else { return }
    counts.snapshots += 1
    write(
      Snapshot(
        index: life.applied, term: term, members: life.members,
        data: SnapshotData.encode(membersIndex: life.membersIndex)),
      takenBy: machine, life)
  }

  /// A leader's snapshot is synced and comes into force. What it stands for need not be applied any more.
  func install(_ snapshot: Snapshot, _ machine: Machine, _ life: Life) {
    judge.installed(snapshot, by: machine, life)
    // Nothing behind it is applied yet, unless the next one is on its way.
    if life.core.term(at: snapshot.index) != nil,
      life.core.members.state.sorted != snapshot.members.sorted
    {
      judge.fail("node \(machine.id) changes the membership of a snapshot on its way")
    }
    say("n\(machine.id) installs the snapshot \(snapshot.term)/\(snapshot.index)")
    life.applied = snapshot.index
    life.members = snapshot.members
    life.membersIndex = SnapshotData.decode(snapshot.data) ?? snapshot.index
    life.snapshotMembersIndexes[snapshot.index] = life.membersIndex
    life.applying.removeAll { $0.index <= snapshot.index }
    judge.has(life.members, after: life.membersIndex, at: machine.id)
    noteMembership(machine, life)
  }
}
