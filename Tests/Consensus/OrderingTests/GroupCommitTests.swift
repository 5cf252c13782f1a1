// When enough blocks wait to be written together.

import Testing

@testable import Ordering

@Suite struct GroupCommitTests {
  @Test func aGroupIsFullAtItsCount() throws {
    var group = GroupCommit()
    #expect(group.isEmpty)
    let block = PendingBlock(batch: [try message(bytes: 100)])
    for _ in 1..<GroupCommit.maximumCount {
      group.add(block)
      #expect(!group.isFull && !group.isEmpty)
    }
    group.add(block)
    #expect(group.isFull)
  }

  @Test func theBytesOfWholeEnvelopesCount() throws {
    var group = GroupCommit()
    let half = PendingBlock(
      batch: [
        try message(bytes: GroupCommit.maximumBytes / 4),
        try message(bytes: GroupCommit.maximumBytes / 4),
      ])
    group.add(half)
    #expect(!group.isFull)
    group.add(half)
    #expect(group.isFull)
  }

  @Test func whatIsTakenIsInOrderAndTheNextGroupIsEmpty() throws {
    var group = GroupCommit()
    let messages = [try message(bytes: GroupCommit.maximumBytes)]
    for number in 0..<3 {
      group.add(PendingBlock(batch: messages, consenterMetadata: [UInt8(number)]))
    }
    #expect(group.take().map(\.consenterMetadata) == [[0], [1], [2]])
    #expect(group.isEmpty && !group.isFull)
    group.add(PendingBlock(batch: [try message(bytes: 100)]))
    #expect(!group.isFull)
  }
}
