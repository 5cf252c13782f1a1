// Which changes would leave a channel without a majority.

import Testing

@testable import RaftConsensus

@Suite struct QuorumLossTests {
  private func check(
    _ before: [Int], _ after: [Int], active: Set<UInt64>
  ) throws {
    let set = try ConsenterSet(
      before.map(consenter), metadata: RaftBlockMetadata(consenterCount: before.count))
    let (next, change) = try set.changed(to: after.map(consenter))
    try QuorumLoss.check(change, from: set, to: next, active: active)
  }

  @Test func growingFromOneToTwoIsAlwaysPossible() throws {
    try check([1], [1, 2], active: [1])
    try check([1], [1, 2], active: [])
  }

  @Test func growingNeedsAMajorityOfTheNewSize() throws {
    try check([1, 2], [1, 2, 3], active: [1, 2])
    #expect(throws: QuorumLoss(active: 1, consenters: 2)) {
      try check([1, 2], [1, 2, 3], active: [1])
    }
    #expect(
      "\(QuorumLoss(active: 1, consenters: 2))"
        == "1 out of 2 nodes are alive, configuration will result in quorum loss")
  }

  @Test func aRotatedNodeCountsAsDown() throws {
    try check([1, 2, 3], [1, 2, 4], active: [1, 2])
    #expect(throws: QuorumLoss.self) { try check([1, 2, 3], [1, 2, 4], active: [1, 3]) }
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
}
