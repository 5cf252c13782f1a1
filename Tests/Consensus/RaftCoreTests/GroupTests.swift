// HEDDLE_RAFT_GROUPS sets how many histories are tried, HEDDLE_RAFT_SEED where to begin; a failure tells its seed.

import RaftCore
import Testing

@Suite struct GroupTests {
  static let count = FuzzTests.number("HEDDLE_RAFT_GROUPS") ?? 120

  @Test(arguments: [
    GroupSimulation.Options(crashes: false),
    GroupSimulation.Options(),
    GroupSimulation.Options(preVote: true, checkQuorum: true),
    GroupSimulation.Options(nodes: 5, steps: 4000, preVote: true),
    GroupSimulation.Options(changes: true),
    GroupSimulation.Options(steps: 4000, changes: true, preVote: true, checkQuorum: true),
    GroupSimulation.Options(nodes: 2, checkQuorum: true),
    GroupSimulation.Options(nodes: 1),
  ])
  func allNodesApplyTheSame(_ options: GroupSimulation.Options) throws {
    var applied: LogIndex = 0
    var terms = 0
    for seed in FuzzTests.first..<(FuzzTests.first + max(1, Self.count / 8)) {
      var simulation = try GroupSimulation(seed: seed, options)
      try simulation.run()
      if let problem = simulation.problem {
        Issue.record("HEDDLE_RAFT_SEED=\(seed), \(options): \(problem)")
        return
      }
      applied += simulation.applied
      terms += simulation.terms
    }
    #expect(applied > 0 && terms > 0)
  }
}
