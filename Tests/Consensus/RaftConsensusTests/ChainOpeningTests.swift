// Which start it is, where a crash cut off the write that founds a group.

import BlockLedger
import Blocks
import Ordering
import RaftCore
import RaftWire
import Testing

@testable import RaftConsensus

@Suite struct ChainOpeningTests {
  private func opening(_ lastIndex: LogIndex, _ hardState: HardState) throws -> ChainOpening {
    let genesis = SealedBlock(
      AssembledBlock(number: 0, previousHash: [], data: [[1]]), metadata: BlockMetadata.empty)
    let newest = try NewestBlock(
      genesis.block, config: RaftConfig(raftConfig([1, 2, 3])), identity: nil)
    return try ChainOpening(
      channelID: "raftchannel", id: 1, newestBlock: newest,
      log: ChainOpening.Log(
        isNew: false, hardState: hardState, snapshot: nil, lastIndex: lastIndex, folder: "log"))
  }

  private func entries(_ count: LogIndex) throws -> ChainOpening.Entries {
    var entries = ChainOpening.Entries(after: LogPosition())
    for index in 0..<count {
      let change = MembershipChange(steps: [MembershipChange.Step(.addVoter, index + 1)])
      let data = try #require(change.entryData(.change))
      try entries.append(Entry(kind: .change, term: 1, index: index + 1, data: data[...]))
    }
    return entries
  }

  /// The log takes the term of the entries that are left for that of the hard state that is not.
  @Test(arguments: [0, 1, 2] as [LogIndex], [0, 1] as [Term])
  func aGroupThatWasHalfFoundedIsFoundedAgain(count: LogIndex, term: Term) throws {
    let opening = try opening(count, HardState(term: term))
    #expect(opening.start == .bootstrap)
    let settings = ChainOpening.Settings(
      options: try RaftConfig(raftConfig([1, 2, 3])).options, maximumMessageSize: 1 << 20, seed: 1)
    _ = try opening.core(settings, entries(count))
  }

  @Test func aGroupThatWasFoundedIsNot() throws {
    #expect(try opening(3, HardState(term: 1)).start == .restart)
    #expect(try opening(3, HardState(term: 1, commit: 3)).start == .restart)
    #expect(try opening(2, HardState(term: 1, vote: 2)).start == .restart)
    #expect(try opening(2, HardState(term: 2)).start == .restart)
  }
}
