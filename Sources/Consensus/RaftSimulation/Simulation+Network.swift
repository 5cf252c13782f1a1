// What leaves a node, and what arrives.

import RaftCore

extension Simulation {
  func send(_ message: Message, _ machine: Machine, _ life: Life) {
    checkShape(message, machine)
    guard let receiver = self.machine(of: message.to) else { return }
    var message = message
    if message.kind == .snapshot {
      guard complete(&message, machine, life) else { return }
    }
    if network.isCut(from: machine.place, to: receiver.place) || dice.chance(network.quality.lost) {
      say("n\(machine.id) → n\(message.to) LOST \(message.text)")
      if dice.chance(300) {
        queue.add(
          .report(machine.place, life: life.number, .unreachable(node: message.to)),
          at: now + 1 + dice.below(50))
      }
      return
    }
    say("n\(machine.id) → n\(message.to) \(message.text)")
    let copies = dice.chance(network.quality.repeated) ? 2 : 1
    for _ in 0..<copies {
      queue.add(.deliver(message: network.keep(message)), at: now + network.delay(&dice))
    }
  }

  /// A snapshot is sent with its members, or with those of now.
  ///
  /// - Returns: False if it would be of no use, since the receiver is not in it yet.
  private func complete(_ message: inout Message, _ machine: Machine, _ life: Life) -> Bool {
    guard var snapshot = message.snapshot else { return false }
    snapshot.data = SnapshotData.encode(
      membersIndex: life.snapshotMembersIndexes[snapshot.index] ?? snapshot.index)
    if profile.changes != .joint {
      snapshot.members = life.members
      snapshot.data = SnapshotData.encode(membersIndex: max(life.membersIndex, snapshot.index))
    }
    message.snapshot = snapshot
    let isOfUse = snapshot.members.contains(message.to)
    queue.add(
      .report(
        machine.place, life: life.number,
        .snapshot(node: message.to, arrived: isOfUse && dice.chance(800))),
      at: now + 1 + dice.below(healedAt == nil ? 300 : 2))
    if !isOfUse { takeSnapshot(machine, life) }
    return isOfUse
  }

  private func checkShape(_ message: Message, _ machine: Machine) {
    if message.from != machine.id, message.kind != .propose, message.kind != .readIndex,
      message.kind != .transferLeader
    {
      judge.fail("node \(machine.id) sends as \(message.from)")
    }
    guard message.kind == .append else { return }
    judge.saw(message.entries, after: message.logTerm, at: machine.id)
    let size = message.entries.reduce(0) { $0 + $1.encodedSize }
    if message.entries.count > 1, size > profile.configuration.maxMessageSize {
      judge.fail("node \(machine.id) sends a message of \(size) bytes")
    }
  }

  func deliver(_ number: Int) {
    guard let message = network.take(number), let receiver = machine(of: message.to),
      let life = receiver.life
    else { return }
    say("n\(receiver.id) ← n\(message.from) \(message.text)")
    do { try life.core.step(message) } catch .unknownPeer, .dropped {
      // A stranger's answer, or a proposal that nobody can take now.
    } catch {
      if profile.kind == .sound {
        judge.fail("node \(receiver.id) refuses \(message.text): \(error)")
      }
    }
    carryOnSoon(receiver, life)
  }

  func report(_ report: Event.Report, _ machine: Machine, _ life: Life) {
    switch report {
    case .unreachable(let node): life.core.reportUnreachable(node)
    case .snapshot(let node, let arrived): life.core.reportSnapshot(to: node, arrived: arrived)
    }
    carryOnSoon(machine, life)
  }
}
