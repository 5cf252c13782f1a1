// What clients and the operator of the membership ask for.

import RaftCore

extension Simulation {
  func client() {
    guard healedAt == nil else { return }
    queue.add(.client, at: now + dice.within(profile.timeBetweenProposals))
    if profile.kind == .nonsense { sendNonsense() }
    guard let (machine, life) = dice.chance(600) ? aLeader : dice.pick(running), mayPropose(life)
    else { return }
    switch dice.below(100) {
    case 0..<75: propose([newData()], machine, life)
    case 75..<90: propose((0...dice.below(4)).map { _ in newData() }, machine, life)
    default: askForRead(machine, life)
    }
  }

  /// What a leader appends behind its own removal, or while others do not know of it, can keep the rest from electing
  /// one of them, since its log is then the longest and it is no candidate.
  func mayPropose(_ life: Life) -> Bool {
    mayChange(life) && (!profile.waitsForChanges || life.core.members.state.votersOutgoing.isEmpty)
  }

  /// The same of a change of the membership: in place of a second one, the core appends an empty entry.
  private func mayChange(_ life: Life) -> Bool {
    guard profile.waitsForChanges, life.isLeader else { return true }
    // A change of an earlier term may be in what is not applied yet.
    guard life.core.term(at: life.applied) == life.core.term else { return false }
    let isChanging = life.change.term == life.core.term && life.change.index > life.applied
    return !isChanging && life.core.members.state.voters.contains(life.core.id)
  }

  /// One of the nodes that think they lead, if there is any; otherwise any.
  private var aLeader: (machine: Machine, life: Life)? {
    let running = running
    return dice.pick(running.filter(\.life.isLeader)) ?? dice.pick(running)
  }

  /// No two are equal.
  func newData() -> ArraySlice<UInt8> {
    proposals += 1
    let number = withUnsafeBytes(of: proposals.littleEndian) { Array($0) }
    return (number + Array(repeating: 0, count: dice.chance(300) ? dice.below(100) : 0))[...]
  }

  /// - Returns: Whether it was taken, here or by a leader that it is on its way to.
  @discardableResult
  func propose(_ data: [ArraySlice<UInt8>], _ machine: Machine, _ life: Life) -> Bool {
    defer { carryOnSoon(machine, life) }
    do {
      let index = try life.core.propose(all: data)
      say("n\(machine.id) takes \(data.count) proposals, up to \(index ?? 0)")
      return true
    } catch {
      say("n\(machine.id) takes no proposals: \(error)")
      return false
    }
  }

  // MARK: Reads

  private func askForRead(_ machine: Machine, _ life: Life) {
    let number = UInt32(readFloors.count)
    readFloors.append(LogIndex(judge.committed.count))
    say("n\(machine.id) is asked for a read of \(judge.committed.count)")
    life.core.readIndex(withUnsafeBytes(of: number.littleEndian) { Array($0) }[...])
    carryOnSoon(machine, life)
  }

  func checkRead(_ state: RaftCore.ReadState, _ machine: Machine) {
    say("n\(machine.id) may read at \(state.index)")
    guard state.context.count == 4 else { return }
    let number = state.context.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard readFloors.indices.contains(number) else { return }
    if state.index < readFloors[number] {
      judge.fail(
        "node \(machine.id) reads at \(state.index), but \(readFloors[number]) was committed before"
      )
    }
  }

  // MARK: Membership

  /// Proposes a change to a node that thinks it leads.
  func changeMembership() {
    let leaders = running.filter(\.life.isLeader)
    guard profile.changes != .none, let (machine, life) = dice.pick(leaders), mayChange(life) else {
      return
    }
    let state = life.core.members.state
    if !state.votersOutgoing.isEmpty, !state.autoLeave || dice.chance(200) {
      return propose(MembershipChange(steps: []), machine, life)
    }
    var steps: [MembershipChange.Step] = []
    var voters = state.voters
    for _ in 0..<(profile.changes == .joint ? 1 + dice.below(3) : 1) {
      var next = voters
      guard let step = step(state, &next), !steps.contains(where: { $0.node == step.node })
      else { continue }
      steps.append(step)
      voters = next
    }
    guard !steps.isEmpty, !voters.isEmpty else { return }
    let transitions: [MembershipChange.Transition] =
      profile.changes == .joint
      ? [.automatic, .automatic, .jointImplicit, .jointExplicit]
      : [.automatic]
    propose(
      MembershipChange(transition: dice.pick(transitions) ?? .automatic, steps: steps), machine,
      life)
  }

  /// - Parameter voters: Those after the steps so far.
  private func step(
    _ state: MembershipState, _ voters: inout [NodeID]
  ) -> MembershipChange.Step? {
    switch dice.below(10) {
    case 0..<4:
      guard voters.count < Profile.maximumVoters, let node = newcomer(state) else { return nil }
      if dice.chance(300) { return MembershipChange.Step(.addLearner, node) }
      voters.append(node)
      return MembershipChange.Step(.addVoter, node)
    case 4..<8:
      guard let node = dice.pick(state.nodes) else { return nil }
      guard voters != [node] else { return nil }
      voters.removeAll { $0 == node }
      return MembershipChange.Step(.remove, node)
    case 8:
      guard let node = dice.pick(state.learners) else { return nil }
      voters.append(node)
      return MembershipChange.Step(.addVoter, node)
    default:
      guard voters.count > 1, let node = dice.pick(voters) else { return nil }
      voters.removeAll { $0 == node }
      return MembershipChange.Step(.addLearner, node)
    }
  }

  /// A machine that was never a member.
  private func newcomer(_ state: MembershipState) -> NodeID? {
    let spare = machines.filter { !$0.isFounder && !judge.everMembers.contains($0.id) }
    if let machine = spare.first(where: { !state.contains($0.id) }) { return machine.id }
    guard spare.isEmpty, machines.count < Profile.maximumMachines else { return nil }
    let machine = addMachine(NodeID(machines.count + 1), isFounder: false)
    queue.add(.start(machine.place), at: now + 1 + dice.below(10 * Profile.tick))
    return machine.id
  }

  private func propose(_ change: MembershipChange, _ machine: Machine, _ life: Life) {
    let isOfOne = profile.changes == .simple
    do {
      let index = try life.core.propose(
        change, as: isOfOne ? .change : .changeV2, data: ChangeCoding.encode(change))
      if let index { life.change = LogPosition(term: life.core.term, index: index) }
      say("n\(machine.id) takes the change \(change.text) at \(index ?? 0)")
    } catch {
      say("n\(machine.id) takes no change: \(error)")
    }
    carryOnSoon(machine, life)
  }

  /// Leaves a joint configuration that is not left by itself, or could not be while leadership was handed on.
  func leaveJoint() {
    for (machine, life) in running where life.isLeader {
      let state = life.core.members.state
      guard !state.votersOutgoing.isEmpty else { continue }
      propose(MembershipChange(steps: []), machine, life)
    }
  }
}
