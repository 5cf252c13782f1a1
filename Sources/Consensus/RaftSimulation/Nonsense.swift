// Messages that no Raft node sends: whatever their type allows.

import RaftCore

extension Simulation {
  /// Sends some arbitrary messages, and makes reports of arbitrary nodes.
  func sendNonsense() {
    for _ in 0...dice.below(8) {
      guard let (machine, life) = dice.pick(running) else { return }
      switch dice.below(10) {
      case 0: life.core.reportUnreachable(node())
      case 1: life.core.reportSnapshot(to: node(), arrived: dice.chance(500))
      case 2: life.core.transferLeadership(to: node())
      default:
        let message = nonsense(life.core)
        say("n\(machine.id) ← NONSENSE \(message)")
        do { try life.core.step(message) } catch { say("  refused: \(error)") }
      }
      carryOnSoon(machine, life)
    }
  }

  private func nonsense(_ core: RaftCore) -> Message {
    let index = number(near: core.lastIndex)
    let logTerm = dice.chance(600) ? core.term(at: index) ?? 0 : number(near: core.term)
    var message = Message(
      dice.pick(Message.Kind.allCases) ?? .append, to: node(), from: node(),
      term: number(near: core.term), logTerm: logTerm, index: index,
      entries: entries(after: index, core), commit: number(near: core.committed), vote: node(),
      reject: dice.chance(300), rejectHint: number(near: core.lastIndex))
    if message.kind == .snapshot || dice.chance(100) { message.snapshot = snapshot(core) }
    if dice.chance(300) { message.context = Array("CampaignTransfer".utf8)[...] }
    return message
  }

  private func node() -> NodeID {
    dice.chance(900) ? NodeID(dice.below(machines.count + 2)) : number(near: .max - 1)
  }

  /// Mostly near a value that means something, sometimes at the edges of what there is.
  private func number(near value: UInt64) -> UInt64 {
    switch dice.below(20) {
    case 0: 0
    case 1: dice.pick([.max, .max - 1, 1 << 62, (1 << 62) - 1, 1 << 63, 1 << 32]) ?? .max
    case 2: dice.next()
    default: value &+ UInt64(dice.below(8)) &- 3
    }
  }

  private func entries(after index: LogIndex, _ core: RaftCore) -> [Entry] {
    var next = index
    var term = core.term
    return (0..<dice.below(4)).map { _ in
      next = dice.chance(900) ? next &+ 1 : number(near: next)
      term = dice.chance(900) ? term : number(near: term)
      let kind = dice.weighted([(8, Entry.Kind.normal), (1, .change), (1, .changeV2)]) ?? .normal
      return Entry(kind: kind, term: term, index: next, data: data(kind))
    }
  }

  private func data(_ kind: Entry.Kind) -> ArraySlice<UInt8> {
    guard kind != .normal else { return newData() }
    if dice.chance(100) { return [] }
    let steps = (0..<(1 + dice.below(3))).map { _ in
      MembershipChange.Step(
        dice.pick([.addVoter, .remove, .addLearner, .update]) ?? .remove, node())
    }
    let transition: MembershipChange.Transition =
      dice.pick([.automatic, .jointImplicit, .jointExplicit]) ?? .automatic
    return ChangeCoding.encode(MembershipChange(transition: transition, steps: steps))
  }

  private func snapshot(_ core: RaftCore) -> Snapshot {
    func nodes() -> [NodeID] { (0..<dice.below(4)).map { _ in node() } }
    return Snapshot(
      index: number(near: core.lastIndex), term: number(near: core.term),
      members: MembershipState(
        voters: dice.chance(800) ? Array(Set(nodes() + [core.id])).sorted() : nodes(),
        learners: dice.chance(200) ? nodes() : [],
        votersOutgoing: dice.chance(200) ? nodes() : [],
        learnersNext: dice.chance(100) ? nodes() : [], autoLeave: dice.chance(300)))
  }
}
