// Which keys have a table, as a value.

import Testing

@testable import FabricCrypto

@Suite struct TableRosterTests {
  private func point(_ number: UInt8) -> [UInt8] { [0x04, number] }

  @Test func `a key is given a place, and asked for nothing twice`() {
    var roster = TableRoster(count: 2)
    #expect(roster.request(point(1), uses: 64) { _ in 0 } == .build(index: 0))
    #expect(roster.request(point(1), uses: 64) { _ in 0 } == .underWay)
    #expect(roster.request(point(2), uses: 64) { _ in 0 } == .build(index: 1))
    #expect(roster.readyCount == 0)
    let second = TableRoster.Place(index: 1, generation: 1)
    #expect(roster.finish(1) == second)
    #expect(roster.finish(1) == nil)
    #expect(roster.request(point(2), uses: 64) { _ in 0 } == .ready(second))
    #expect(roster.finish(0) == TableRoster.Place(index: 0, generation: 2))
    #expect(roster.readyCount == 2)
  }

  @Test func `a place that is being filled is nobody else's`() {
    var roster = TableRoster(count: 1)
    #expect(roster.request(point(1), uses: 64) { _ in 0 } == .build(index: 0))
    #expect(roster.request(point(2), uses: 10_000) { _ in 0 } == .refused)
    roster.abandon(0)
    #expect(roster.request(point(2), uses: 64) { _ in 0 } == .build(index: 0))
    #expect(roster.finish(0) != nil)
    roster.abandon(0)
    #expect(roster.readyCount == 1)
  }

  @Test func `the least used gives way, to a key that is used more than twice as much`() {
    var roster = TableRoster(count: 3)
    let uses = [40, 31, 35]
    for number in 0..<3 {
      #expect(roster.request(point(UInt8(number)), uses: 64) { _ in 0 } == .build(index: number))
      #expect(roster.finish(number) != nil)
    }
    #expect(roster.request(point(9), uses: 62) { uses[$0] } == .refused)
    #expect(roster.request(point(9), uses: 63) { uses[$0] } == .build(index: 1))
    // The one that gave way is a key like any other.
    #expect(roster.request(point(1), uses: 71) { uses[$0] } == .build(index: 2))
    #expect(roster.finish(1) == TableRoster.Place(index: 1, generation: 4))
    #expect(roster.readyCount == 2)
  }

  @Test func `a place fits a word`() {
    for place in [
      TableRoster.Place(index: 0, generation: 1), TableRoster.Place(index: 1023, generation: 77),
    ] {
      #expect(TableRoster.Place(word: place.word) == place)
    }
    #expect(TableRoster.Place(word: 0) == nil)
  }
}

@Suite struct UseCountTests {
  @Test func `uses count in their epoch and in the next, then no longer`() {
    var uses = UseCount()
    for _ in 0..<5 { uses.count(in: 3) }
    #expect(uses.inEpoch == 5 && uses.recent(in: 3) == 5)
    #expect(uses.recent(in: 4) == 5 && uses.recent(in: 5) == 0)
    uses.count(in: 4)
    #expect(uses.inEpoch == 1 && uses.before == 5 && uses.recent(in: 4) == 5)
    #expect(uses.recent(in: 5) == 1)
    uses.count(in: 9)
    #expect(uses.recent(in: 9) == 1 && uses.before == 0)
    #expect(UseCount(word: uses.word) == uses)
  }

  @Test func `a count that is full stays full, and epochs may start over`() {
    var uses = UseCount()
    for _ in 0..<70_000 { uses.count(in: .max) }
    #expect(uses.inEpoch == .max)
    #expect(UseCount(word: uses.word) == uses)
    uses.count(in: 0)
    #expect(uses.inEpoch == 1 && uses.before == .max)
  }
}
