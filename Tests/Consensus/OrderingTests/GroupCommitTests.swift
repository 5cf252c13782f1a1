// When enough blocks wait to be written together.

import FabricProtos
import Testing

@testable import Ordering

@Suite struct GroupCommitTests {
  /// A message whose envelope has `bytes` bytes.
  private func message(_ bytes: Int) throws -> OrderedMessage {
    // A payload with an empty channel header, and the signature makes up the rest.
    var envelope: [UInt8] = [0x0A, 4, 0x0A, 2, 0x0A, 0, 0x12]
    let length = bytes - envelope.count - Varint.size(UInt64(bytes))
    Varint.append(UInt64(length), to: &envelope)
    envelope += [UInt8](repeating: 1, count: bytes - envelope.count)
    return OrderedMessage(
      envelope: try EnvelopeView(envelope), configSequence: 1, isConfig: false)
  }

  @Test func aGroupIsFullAtItsCount() throws {
    var group = GroupCommit()
    #expect(group.isEmpty)
    let block = PendingBlock(batch: [try message(100)])
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
      batch: [try message(GroupCommit.maximumBytes / 4), try message(GroupCommit.maximumBytes / 4)])
    group.add(half)
    #expect(!group.isFull)
    group.add(half)
    #expect(group.isFull)
  }

  @Test func whatIsTakenIsInOrderAndTheNextGroupIsEmpty() throws {
    var group = GroupCommit()
    let messages = [try message(GroupCommit.maximumBytes)]
    for number in 0..<3 {
      group.add(PendingBlock(batch: messages, consenterMetadata: [UInt8(number)]))
    }
    #expect(group.take().map(\.consenterMetadata) == [[0], [1], [2]])
    #expect(group.isEmpty && !group.isFull)
    group.add(PendingBlock(batch: [try message(100)]))
    #expect(!group.isFull)
  }
}
