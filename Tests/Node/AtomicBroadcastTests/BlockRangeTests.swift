// Which blocks a seek request means, on a chain of ten blocks of which the first two are forgotten.

import FabricProtos
import Testing

@testable import AtomicBroadcast

@Suite struct BlockRangeTests {
  typealias Position = Orderer_SeekPosition.OneOf_Type

  @Test(
    arguments: [
      (.oldest, .newest, .blocks(2...9)), (.oldest, .oldest, .blocks(2...2)),
      (.newest, .newest, .blocks(9...9)), (.nextCommit, .number(12), .blocks(10...12)),
      (.number(10), .number(11), .blocks(10...11)), (.number(4), .number(4), .blocks(4...4)),
      (.number(5), .number(4), .invalid(start: 5, stop: 4)), (.number(11), .number(12), .notFound),
      (.number(1), .newest, .notFound), (nil, .newest, .notFound),
      // Stops that lie before the start without being a number never end the delivery.
      (.number(10), .newest, .blocks(10...UInt64.max)),
      (.number(3), nil, .blocks(3...UInt64.max)),
    ] as [(Position?, Position?, BlockRange)])
  func positionsBecomeBlockNumbers(
    _ start: Position?, _ stop: Position?, _ expected: BlockRange
  ) {
    var seek = Orderer_SeekInfo()
    seek.start.type = start
    seek.stop.type = stop
    #expect(BlockRange(seek, oldest: 2, height: 10) == expected)
  }

  @Test func aLedgerMayForgetBlocksBeforeItsNewHeightShows() {
    var seek = Orderer_SeekInfo()
    seek.start.type = .number(4)
    seek.stop.type = .newest
    #expect(BlockRange(seek, oldest: 7, height: 5) == .notFound)
  }
}
