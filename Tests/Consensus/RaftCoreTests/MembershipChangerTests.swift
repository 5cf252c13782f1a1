import TestSupport
import Testing

@testable import RaftCore

@Suite struct MembershipChangerTests {
  private static func changer() -> MembershipChanger {
    MembershipChanger(lastIndex: 10, maximumInflight: 5, maximumInflightSize: .max)
  }

  private static func with(_ state: MembershipState) throws -> MembershipChanger {
    var changer = changer()
    try changer.restore(state)
    return changer
  }

  @Test(arguments: [
    MembershipState(voters: [1, 2, 3]),
    MembershipState(voters: [1, 2, 3], learners: [4, 5]),
    MembershipState(
      voters: [1, 2, 3], learners: [5], votersOutgoing: [1, 2, 4, 6], learnersNext: [4]),
    MembershipState(voters: [3], votersOutgoing: [1, 2], autoLeave: true),
    MembershipState(),
  ])
  func whatWasWrittenDownIsRestored(_ state: MembershipState) throws {
    let changer = try Self.with(state)
    #expect(changer.members.state == state)
    let nodes = state.voters + state.learners + state.votersOutgoing
    #expect(changer.progress.nodes == Set(nodes).sorted())
    for node in changer.progress.nodes {
      #expect(changer.progress[node]?.isLearner == state.learners.contains(node))
    }
  }

  /// From a snapshot of another node, which may hold anything.
  @Test(arguments: [
    MembershipState(learners: [1]),
    MembershipState(voters: [1], learners: [1]),
    MembershipState(voters: [0]),
    MembershipState(voters: [1], learnersNext: [2]),
    MembershipState(voters: [1], autoLeave: true),
    MembershipState(votersOutgoing: [1]),
    MembershipState(voters: [1, 1]),
    MembershipState(voters: [1], learners: [2], votersOutgoing: [2]),
  ])
  func whatCannotBeIsRefused(_ state: MembershipState) {
    #expect(throws: ImpossibleChange.self) { try Self.with(state) }
  }

  @Test func oneVoterAtATime() throws {
    var changer = try Self.with(MembershipState(voters: [1, 2, 3]))
    #expect(throws: ImpossibleChange("more than one voter changed without entering joint config")) {
      try changer.simple([.init(.addVoter, 4), .init(.remove, 1)])
    }
    #expect(changer.members.state == MembershipState(voters: [1, 2, 3]))
    try changer.simple([.init(.addVoter, 4), .init(.addLearner, 5)])
    #expect(changer.members.state == MembershipState(voters: [1, 2, 3, 4], learners: [5]))
  }

  @Test func theLastVoterStays() throws {
    var changer = try Self.with(MembershipState(voters: [1]))
    #expect(throws: ImpossibleChange("removed all voters")) {
      try changer.apply(MembershipChange(steps: [.init(.remove, 1)]))
    }
  }

  @Test func severalChangesGoThroughAJointConfiguration() throws {
    var changer = try Self.with(MembershipState(voters: [1, 2, 3]))
    try changer.apply(
      MembershipChange(steps: [.init(.remove, 1), .init(.addVoter, 4), .init(.addLearner, 2)]))
    #expect("\(changer.members)" == "voters=(3 4)&&(1 2 3) learners_next=(2) autoleave")
    try changer.apply(MembershipChange(steps: []))
    #expect("\(changer.members)" == "voters=(3 4) learners=(2)")
    #expect(changer.progress.nodes == [2, 3, 4])
  }

  /// Whatever is changed in whatever order: nobody is voter and learner at once, and there is a voter.
  @Test func randomChangesBreakNothing() throws {
    var random = SplitMix64(seed: 4)
    let kinds: [MembershipChange.Kind] = [.addVoter, .remove, .update, .addLearner]
    for _ in 0..<300 {
      var changer = try Self.with(MembershipState(voters: [1, 2, 3]))
      for _ in 0..<30 {
        let steps = (0..<(random.next() % 4)).map { _ in
          MembershipChange.Step(kinds[Int(random.next() % 4)], random.next() % 6)
        }
        let transition = MembershipChange.Transition(rawValue: UInt32(random.next() % 3))
        let before = changer
        do {
          try changer.apply(
            MembershipChange(transition: transition ?? .automatic, steps: steps))
        } catch {
          #expect(changer == before)
        }
        let state = changer.members.state
        #expect(!state.voters.isEmpty)
        #expect(Set(state.voters + state.votersOutgoing).isDisjoint(with: state.learners))
        #expect(Set(state.learnersNext).isSubset(of: state.votersOutgoing))
        #expect(try Self.with(state).members == changer.members)
      }
    }
  }
}
