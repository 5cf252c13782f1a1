// Which record comes next, topic and ledger alike.

import Ordering
import Testing

@testable import KafkaConsensus

@Suite struct RecordPositionTests {
  private func offsets(_ persisted: Int64) -> KafkaOffsets {
    KafkaOffsets(lastPersisted: persisted, lastOriginalProcessed: 0, lastResubmittedConfig: 0)
  }

  @Test func readingBeginsWithTheRecordOfTheNewestBlock() {
    #expect(RecordPosition(.beginning).expected == 0)
    #expect(RecordPosition(offsets(7)).expected == 7)
  }

  @Test func recordsFollowEachOther() {
    var position = RecordPosition(offsets(7))
    #expect(position.advance(beyond: 7) == true)
    #expect(position.advance(beyond: 8) == true)
    #expect(position.advance(beyond: 10) == false)
    #expect(position.expected == 9)
    // One that comes again is for the core to discard.
    #expect(position.advance(beyond: 5) == true)
    #expect(position.expected == 9)
    position.skip()
    #expect(position.expected == 10)
  }

  @Test func aGapIsLookedAtAgainABoundedNumberOfTimes() {
    var position = RecordPosition(.beginning)
    for _ in 0..<RecordPosition.maximumGaps { #expect(position.pauseAfterGap() != nil) }
    #expect(position.pauseAfterGap() == nil)
    #expect(position.advance(beyond: 0) == true)
    #expect(position.pauseAfterGap() == .milliseconds(100))
  }

  @Test func blocksComeFromTheCoreWithoutGaps() throws {
    var blocks = BlockQueue(newestBlock: 4)
    try blocks.add([], 5, offsets(1))
    #expect(throws: ChannelFault.self) { try blocks.add([], 7, offsets(2)) }
    try blocks.take(6)
    #expect(blocks.takeAll().count == 1)
    #expect(blocks.isEmpty)
    try blocks.check(height: 7)
    #expect(throws: ChannelFault.self) { try blocks.check(height: 6) }
  }

  @Test func aTopicThatHasBecomeShorterIsNotMistakenForRetention() {
    func text(_ available: Range<Int64>?) -> String {
      "\(TopicMismatch.unavailable(topic: "t", wanted: 12, block: 4, available: available))"
    }
    #expect(text(0..<11).contains("ends at offset 11 now"))
    #expect(text(0..<11).contains("the record at offset 11"))
    #expect(text(13..<20).contains("the topic has the offsets from 13 on"))
    #expect(text(nil).contains("retention"))
  }
}
