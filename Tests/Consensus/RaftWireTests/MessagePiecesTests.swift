// A message in pieces is the same message, and its large entries are not copied.

import RaftCore
import TestSupport
import Testing

@testable import RaftWire

@Suite struct MessagePiecesTests {
  @Test func thePiecesAreTheMessage() throws {
    for seed in 0..<200 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var message = Message(
        .append, to: random.next(), from: 2, term: random.next() >> 1, logTerm: 3, index: 7,
        commit: random.next() % 300, reject: random.next() % 2 == 0)
      for index in 0..<(random.next() % 5) {
        let size = Int(random.next() % 1_500)
        message.entries.append(
          Entry(term: 4, index: 8 + index, data: [UInt8](repeating: UInt8(index), count: size)[...])
        )
      }
      if random.next() % 4 == 0 {
        message.snapshot = Snapshot(index: 9, term: 4, data: [1, 2, 3])
      }
      #expect(Array(message.wirePieces().joined()) == message.wire())
    }
  }

  @Test func dataOfSomeSizeArePiecesOfTheirOwn() {
    let data = [UInt8](repeating: 1, count: 600)[...]
    let message = Message(
      .append, to: 1, from: 2, term: 3,
      entries: [
        Entry(term: 3, index: 1, data: [9]), Entry(term: 3, index: 2, data: data),
      ])
    let pieces = message.wirePieces()
    #expect(pieces.count == 3)
    #expect(pieces[1] == data)
  }
}
