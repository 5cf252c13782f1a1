// The blocks of a leader: their links, their entries, and how many may be under way.

import BlockLedger
import Blocks
import FabricProtos
import Ordering
import RaftCore
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct BlockMakerTests {
  private static let genesis = BlockHeader(number: 0, previousHash: [], dataHash: [1])
  private let end = ChainEnd(after: genesis)

  @Test func blocksFollowEachOther() throws {
    var maker = BlockMaker(at: end)
    var expected = end
    for number in 1...5 {
      let batch = try (0...number).map { try message([UInt8($0)]) }
      let (block, entry) = maker.make(batch)
      #expect(block.data == batch.map(\.envelope.bytes))
      try expected.advance(over: block.header, hash: block.hash, channelID: "c")
      #expect(
        entry
          == Block(
            header: block.header, data: block.data, metadata: [[], [], [], [], []]
          ).serialized())
    }
    #expect(expected.height == 6)
    #expect(maker.count == 5)
  }

  @Test func countBoundsWhatIsUnderWay() throws {
    var maker = BlockMaker(at: end)
    let batch = [try message([1])]
    for _ in 0..<BlockMaker.maximumCount {
      #expect(maker.hasRoom)
      _ = maker.make(batch)
    }
    #expect(!maker.hasRoom)
    maker.applied(below: 2)
    #expect(maker.hasRoom)
    #expect(maker.count == BlockMaker.maximumCount - 1)
    maker.applied(below: 1_000)
    #expect(maker.count == 0)
  }

  @Test func aBlockIsFoundByThePlaceOfItsEntry() throws {
    var maker = BlockMaker(at: end)
    _ = maker.make([try message([1])])
    maker.proposed(at: LogPosition(term: 2, index: 7))
    _ = maker.make([try message([2])])
    maker.proposed(at: LogPosition(term: 2, index: 8))
    #expect(maker.block(at: LogPosition(term: 2, index: 8))?.header.number == 2)
    #expect(maker.block(at: LogPosition(term: 3, index: 8)) == nil)
    #expect(maker.block(at: LogPosition(term: 2, index: 9)) == nil)
    maker.applied(below: 3)
    #expect(maker.block(at: LogPosition(term: 2, index: 8)) == nil)
  }

  @Test func bytesBoundWhatIsUnderWay() throws {
    var maker = BlockMaker(at: end)
    let large = [try message([UInt8](repeating: 7, count: BlockMaker.maximumBytes))]
    _ = maker.make(large)
    #expect(!maker.hasRoom)
    maker.applied(below: 2)
    #expect(maker.hasRoom)
  }
}
