// Whether quorums agree on what etcd's do.

import Foundation
import RaftCore
import Testing

@Suite struct QuorumTraceTests {
  @Test(
    .enabled(if: TraceFiles.isThere, "\(TraceFiles.hint)"),
    arguments: TraceFiles.names(in: "quorum/testdata"))
  func quorums(_ name: String) throws {
    let file = try TraceFiles.file("quorum/testdata", name)
    #expect(!file.commands.isEmpty)
    for command in file.commands {
      #expect(run(command) == command.expected, "line \(command.line): \(command.name)")
    }
  }

  private func run(_ command: DataDrivenCommand) -> String {
    let isVote = command.name == "vote"
    let ids = numbers(command, "cfg")
    let outgoing = numbers(command, "cfgj")
    let joint = JointMajority(Majority(ids), Majority(outgoing))
    let given = command.arguments.first { $0.key == (isVote ? "votes" : "idx") }?.values ?? []
    guard given.count == joint.voters.count else {
      return "error: mismatched input (explicit or _) for voters \(joint.voters): \(given)\n"
    }
    var values: [NodeID: String] = [:]
    var rest = given[...]
    for id in ids + outgoing where values[id] == nil { values[id] = rest.popFirst() }
    if isVote {
      let votes = values.compactMapValues { $0 == "_" ? nil : $0 == "y" }
      return vote(joint, isJoint: command.has("cfgj")) { votes[$0] }
    }
    let indexes = values.compactMapValues { LogIndex($0) }
    return committed(joint, isJoint: command.has("cfgj"), indexes)
  }

  private func numbers(_ command: DataDrivenCommand, _ key: String) -> [NodeID] {
    (command.arguments.first { $0.key == key }?.values ?? []).compactMap { NodeID($0) }
  }

  // MARK: Votes

  private func vote(
    _ joint: JointMajority, isJoint: Bool, _ votes: (NodeID) -> Bool?
  ) -> String {
    guard isJoint else { return text(joint.incoming.outcome(votes)) + "\n" }
    let swapped = JointMajority(joint.outgoing, joint.incoming)
    #expect(swapped.outcome(votes) == joint.outcome(votes), "the majorities' order matters")
    return text(joint.outcome(votes)) + "\n"
  }

  private func text(_ outcome: VoteOutcome) -> String {
    switch outcome {
    case .pending: "VotePending"
    case .lost: "VoteLost"
    case .won: "VoteWon"
    }
  }

  // MARK: Commit indexes

  private func committed(
    _ joint: JointMajority, isJoint: Bool, _ indexes: [NodeID: LogIndex]
  ) -> String {
    let index = joint.committed { indexes[$0] }
    let swapped = JointMajority(joint.outgoing, joint.incoming)
    #expect(swapped.committed { indexes[$0] } == index, "the majorities' order matters")
    if !isJoint { checkAlternatives(joint.incoming, indexes, index) }
    let number = index == .max ? "∞" : String(index)
    return description(joint.voters, indexes) + number + "\n"
  }

  /// What must not make a difference.
  private func checkAlternatives(
    _ majority: Majority, _ indexes: [NodeID: LogIndex], _ index: LogIndex
  ) {
    #expect(counted(majority, indexes) == index, "counting for each index")
    #expect(JointMajority(majority, majority).committed { indexes[$0] } == index, "with itself")
    for id in majority.voters {
      guard let own = indexes[id], index > own, own > 0 else { continue }
      for lower in [own - 1, 0] {
        let lowered = majority.committed { $0 == id ? lower : indexes[$0] }
        #expect(lowered == index, "a voter that is behind falls behind further")
      }
    }
  }

  /// The highest index that more than a half has, the slow way.
  private func counted(_ majority: Majority, _ indexes: [NodeID: LogIndex]) -> LogIndex {
    if majority.isEmpty { return .max }
    let candidates = majority.voters.compactMap { indexes[$0] } + [0]
    return candidates.filter { candidate in
      candidate == 0
        || majority.voters.filter { (indexes[$0] ?? 0) >= candidate }.count
          > majority.count / 2
    }.max() ?? 0
  }

  /// A bar for each voter, as long as many are behind it.
  private func description(_ voters: [NodeID], _ indexes: [NodeID: LogIndex]) -> String {
    guard !voters.isEmpty else { return "<empty majority quorum>" }
    let count = voters.count
    let sorted = voters.sorted { (indexes[$0] ?? 0, $0) < (indexes[$1] ?? 0, $1) }
    var bars: [NodeID: Int] = [:]
    for (place, voter) in sorted.enumerated().dropFirst()
    where indexes[sorted[place - 1]] ?? 0 < indexes[voter] ?? 0 {
      bars[voter] = place
    }
    func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
    let lines = voters.map { voter in
      let bar = bars[voter] ?? 0
      let number = String(indexes[voter] ?? 0)
      let picture =
        indexes[voter] == nil
        ? "?" + spaces(count) : String(repeating: "x", count: bar) + ">" + spaces(count - bar)
      return "\(picture) \(spaces(max(5 - number.count, 0)))\(number)    (id=\(voter))\n"
    }
    return spaces(count) + "    idx\n" + lines.joined()
  }
}

extension DataDrivenCommand {
  fileprivate func has(_ key: String) -> Bool { arguments.contains { $0.key == key } }
}
