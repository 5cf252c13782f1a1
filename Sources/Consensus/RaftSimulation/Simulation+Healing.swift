// The end of a schedule: faults stop, and within a bounded time all must be well.

import RaftCore

extension Simulation {
  /// Without a leader nothing is longer than an election time-out; this many of them are enough.
  private static let timeouts = 4
  /// An election that nobody wins costs one time-out more: votes were split, or, without asking before, by a node
  /// whose log is too short. But there is an end to bad luck.
  private static let badLuck = 12

  func heal() {
    guard profile.kind == .sound else {
      isOver = true
      return
    }
    say("all faults stop")
    healedAt = now
    termAtHealing = machines.compactMap(\.life?.glance.term).max() ?? 0
    network.heal()
    network.quality = .good
    network.loseAll()
    for machine in machines {
      machine.failsNextSync = false
      machine.slowUntil = 0
      // Without asking before, the fastest clock could always win against the best log.
      if !profile.configuration.preVote {
        machine.tick = Profile.tick * dice.within(95...105) / 100
      }
      machine.life?.fuse = nil
      if machine.life == nil, !machine.isRemoved {
        queue.add(.start(machine.place), at: now + dice.below(Profile.tick))
      }
    }
    lastWishes = (0..<3).map { _ in newData() }
    queue.add(.attend, at: now + 1)
  }

  /// The longest time of one election, by the slowest clock.
  private var electionTimeout: Int {
    profile.electionTimeout * (machines.map(\.tick).max() ?? Profile.tick)
  }

  /// Somebody who looks after the group once every tick.
  func attend() {
    guard let healedAt else { return }
    if isWell {
      say("all is well \(now - healedAt) after faults stopped")
      isOver = true
      return
    }
    let timeouts = Self.timeouts + min(judge.lostElections(after: termAtHealing), Self.badLuck)
    // A node that is far behind needs some time for each entry, in sizes as small as here.
    let catchingUp = 10 * judge.committed.count
    if now > healedAt + timeouts * electionTimeout + catchingUp + 2 * Profile.tick {
      isOver = true
      // See ``mayPropose(_:)``.
      if !profile.waitsForChanges, profile.changes != .none { return }
      return judge.fail("no progress after faults stopped: \(report)")
    }
    lookAfterMachines()
    leaveJoint()
    for wish in lastWishes where !judge.isCommitted(wish) {
      guard
        let (machine, life) = running.first(where: { $0.life.isLeader && mayPropose($0.life) })
      else { break }
      if lastTries[wish].map({ now - $0 > 3 * Profile.tick }) ?? true,
        propose([wish], machine, life)
      {
        lastTries[wish] = now
      }
    }
    queue.add(.attend, at: now + Profile.tick)
  }

  /// Starts what is needed, and stops nodes that all others know to be removed.
  private func lookAfterMachines() {
    for machine in machines {
      let isGone = isGone(machine)
      if machine.life == nil, !isGone {
        start(machine)
      } else if machine.life != nil, isGone {
        crash(machine, "all know that it was removed")
      }
    }
  }

  /// Whether it was a member, and all members know that it is none any more.
  private func isGone(_ machine: Machine) -> Bool {
    let members = judge.newestMembers.state
    guard judge.everMembers.contains(machine.id), !members.contains(machine.id) else {
      return false
    }
    return members.nodes.allSatisfy { node in
      guard let life = self.machine(of: node)?.life else { return false }
      return life.wasMember && !life.members.contains(machine.id)
    }
  }

  private var report: String {
    running.map { "n\($0.machine.id): \(text(of: $0.life.core))" }.joined(separator: "; ")
  }

  /// A leader, all wishes committed, and all members equal.
  private var isWell: Bool {
    let members = judge.newestMembers.state
    let lives = members.nodes.map { machine(of: $0)?.life }
    let committed = LogIndex(judge.committed.count)
    guard members.votersOutgoing.isEmpty,
      lives.contains(where: { $0?.isLeader == true }), lastWishes.allSatisfy(judge.isCommitted)
    else { return false }
    return lives.allSatisfy { life in
      guard let life else { return false }
      return life.applied == committed && life.core.lastIndex == committed
        && life.core.members.state.sorted == members.sorted
    }
  }
}
