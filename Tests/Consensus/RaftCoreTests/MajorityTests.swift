import TestSupport
import Testing

@testable import RaftCore

@Suite struct MajorityTests {
  @Test func aSetHasNoTwins() {
    var majority = Majority([3, 1, 3, 2])
    #expect("\(majority)" == "(1 2 3)")
    majority.insert(2)
    majority.insert(5)
    majority.insert(4)
    majority.remove(1)
    #expect(majority.voters == [2, 3, 4, 5])
    #expect("\(JointMajority(Majority([1]), Majority([2, 3])))" == "(1)&&(2 3)")
  }

  @Test func emptyOnesAgreeToEverything() {
    #expect(Majority().committed { _ in 5 } == .max)
    #expect(Majority().outcome { _ in false } == .won)
    #expect(JointMajority(Majority([1])).committed { _ in 5 } == 5)
    #expect(JointMajority(Majority([1])).voters == [1])
  }

  /// The highest index that more than a half has, and whether more than a half can still agree.
  @Test func moreThanAHalfDecides() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<2000 {
      let majority = Majority((0..<(1 + random.next() % 7)).map { _ in random.next() % 9 })
      var indexes: [NodeID: LogIndex] = [:]
      for voter in majority.voters where random.next() % 4 > 0 {
        indexes[voter] = random.next() % 5
      }
      let committed = majority.committed { indexes[$0] }
      func have(_ index: LogIndex) -> Int {
        majority.voters.filter { (indexes[$0] ?? 0) >= index }.count
      }
      #expect(have(committed) > majority.count / 2)
      #expect(have(committed + 1) <= majority.count / 2)

      let votes = indexes.mapValues { $0 > 1 }
      let granted = majority.voters.filter { votes[$0] == true }.count
      let open = majority.voters.filter { votes[$0] == nil }.count
      let expected: VoteOutcome =
        granted > majority.count / 2
        ? .won
        : granted + open > majority.count / 2 ? .pending : .lost
      #expect(majority.outcome { votes[$0] } == expected)
    }
  }

  @Test func bothHalvesOfAJointOneHaveToAgree() {
    let joint = JointMajority(Majority([1, 2, 3]), Majority([3, 4, 5]))
    #expect(joint.voters == [1, 2, 3, 4, 5] && joint.isJoint && joint.contains(4))
    #expect(joint.committed { [1: 9, 2: 9, 3: 9, 4: 4, 5: 1][$0] } == 4)
    #expect(joint.outcome { [1: true, 2: true, 3: true][$0] } == .pending)
    #expect(joint.outcome { [1: true, 2: true, 4: false, 5: false][$0] } == .lost)
    #expect(joint.outcome { [1: true, 2: true, 4: true, 5: true][$0] } == .won)
  }
}
