// Which changes would leave a channel without a majority, and what is said of them.

import RaftCore
import Testing

@testable import RaftConsensus

@Suite struct QuorumLossTests {
  private func check(
    _ before: [Int], _ after: [Int], active: Set<UInt64>, voters: Set<UInt64>? = nil,
    silence: [UInt64: Duration] = [:]
  ) throws {
    let metadata = RaftBlockMetadata(consenterCount: before.count)
    let set = try ConsenterSet(before.map(consenter), metadata: metadata)
    let (_, change) = try set.changed(to: after.map(consenter))
    try QuorumLoss.check(
      change, from: set,
      ConsensusMetadataValidator.Standing(
        metadata: metadata, active: active, voters: voters, silence: silence))
  }

  @Test func growingFromOneToTwoIsAlwaysPossible() throws {
    try check([1], [1, 2], active: [1])
    try check([1], [1, 2], active: [])
  }

  @Test func growingNeedsAMajorityOfTheNewSize() throws {
    try check([1, 2], [1, 2, 3], active: [1, 2])
    let loss = try #require(throws: QuorumLoss.self) {
      try check([1, 2], [1, 2, 3], active: [1])
    }
    #expect(loss.active == 1)
    #expect(loss.consenters == 2)
    #expect(
      "\(loss)".hasPrefix(
        "1 out of 2 nodes are alive, configuration will result in quorum loss: 2 have to be alive ")
    )
  }

  @Test func aRotatedNodeCountsAsDown() throws {
    try check([1, 2, 3], [1, 2, 4], active: [1, 2])
    let loss = try #require(throws: QuorumLoss.self) {
      try check([1, 2, 3], [1, 2, 4], active: [1, 3])
    }
    #expect("\(loss)".contains("Consenter 3, whose certificate changes, counts as down"))
    try check([1, 2], [1, 3], active: [1])
  }

  @Test func whoStaysMustBeAMajority() throws {
    try check([1, 2, 3], [1, 2], active: [1, 2, 3])
    #expect(throws: QuorumLoss.self) { try check([1, 2, 3], [1, 2], active: [1, 3]) }
    #expect(throws: QuorumLoss.self) { try check([1, 2], [1], active: [2]) }
  }

  @Test func nothingIsLostByNoChange() throws {
    try check([1, 2, 3], [3, 2, 1], active: [])
  }

  @Test func whoIsSilentIsNamedWithItsAddressAndSinceWhen() throws {
    let loss = try #require(throws: QuorumLoss.self) {
      try check([1, 2, 3], [1, 2], active: [1, 3], silence: [2: .milliseconds(312_400)])
    }
    #expect(
      "\(loss)".contains("Not heard of: consenter 2 (127.0.0.1:7002) for 5m12s at least."))
    #expect("\(loss)".contains("orderer raft recover"))
  }

  /// After a recovery consenters are in the configuration that have no vote.
  @Test func onlyThoseCountThatHaveAVote() throws {
    try check([1, 2, 3], [1, 2], active: [1], voters: [1])
    try check([1, 2, 3], [1, 2, 4], active: [1], voters: [1])
    try check([1, 2, 3], [1, 2, 3, 4], active: [1], voters: [1])
    #expect(throws: QuorumLoss.self) {
      try check([1, 2, 3], [2, 3], active: [1], voters: [1])
    }
  }

  @Test func silenceBeginsWhenSomebodyIsMissedFirst() throws {
    let begin = ContinuousClock.now
    var attendance = Attendance(metadata: RaftBlockMetadata(consenterCount: 3), at: begin)
    let changes = [(10, [1, 2]), (20, [1, 2]), (30, [1])].map { seconds, active in
      attendance.note(
        active: Set(active), of: MembershipState(voters: [1, 2, 3]),
        at: begin + .seconds(seconds))
    }
    #expect(changes == [true, false, true])
    let standing = attendance.standing(at: begin + .seconds(60))
    #expect(standing.silence == [2: .seconds(30), 3: .seconds(60)])
    #expect(standing.voters == [1, 2, 3])
  }
}
