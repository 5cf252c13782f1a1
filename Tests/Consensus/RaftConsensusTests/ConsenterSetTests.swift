// Who keeps which id when the consenters of a channel change, and when that may not be.

import FabricProtos
import Foundation
import Testing

@testable import RaftConsensus

@Suite struct ConsenterSetTests {
  private func set(
    _ nodes: [Int], ids: [UInt64], next: UInt64
  ) throws -> ConsenterSet {
    try ConsenterSet(
      nodes.map(consenter),
      metadata: RaftBlockMetadata(consenterIDs: ids, nextConsenterID: next, raftIndex: 0))
  }

  @Test func nothingChangesWhenOnlyTheOrderDoes() throws {
    let before = try set([1, 2, 3], ids: [1, 2, 3], next: 4)
    let (after, change) = try before.changed(to: [3, 1, 2].map(consenter))
    #expect(change == .none)
    #expect(after.ids == [3, 1, 2])
    #expect(after.nextID == 4)
    #expect(after.metadata(raftIndex: 9).serialized() == [0x0A, 3, 3, 1, 2, 0x10, 4, 0x18, 9])
  }

  @Test func anAddressMayChange() throws {
    let before = try set([1, 2], ids: [1, 2], next: 3)
    var moved = try consenter(2)
    moved.host = "elsewhere"
    let (after, change) = try before.changed(to: [consenter(1), moved])
    #expect(change == .none)
    #expect(after.consenters[1].host == "elsewhere")
    #expect(after.ids == [1, 2])
  }

  @Test func aNewConsenterGetsTheNextIDWhereverItStands() throws {
    let before = try set([1, 2], ids: [1, 5], next: 6)
    let (after, change) = try before.changed(to: [consenter(3), consenter(1), consenter(2)])
    #expect(change == .added(6, try consenter(3)))
    #expect(after.ids == [6, 1, 5])
    #expect(after.nextID == 7)
  }

  @Test func anIDIsNeverUsedTwice() throws {
    var set = try set([1, 2, 3], ids: [1, 2, 3], next: 4)
    (set, _) = try set.changed(to: [1, 2].map(consenter))
    let (after, change) = try set.changed(to: [1, 2, 3].map(consenter))
    #expect(change == .added(4, try consenter(3)))
    #expect(after.ids == [1, 2, 4])
    #expect(after.nextID == 5)
  }

  @Test func aConsenterThatGoesTakesItsIDWithIt() throws {
    let before = try set([1, 2, 3], ids: [1, 2, 3], next: 4)
    let (after, change) = try before.changed(to: [1, 3].map(consenter))
    #expect(change == .removed(2))
    #expect(after.ids == [1, 3])
    #expect(after.nextID == 4)
  }

  @Test func oneThatComesForOneThatGoesIsTheSameUnderAnotherCertificate() throws {
    let before = try set([1, 2, 3], ids: [1, 2, 3], next: 4)
    let (after, change) = try before.changed(to: [4, 1, 3].map(consenter))
    #expect(change == .rotated(2, try consenter(4)))
    #expect(after.ids == [2, 1, 3])
    #expect(after.nextID == 4)
  }

  @Test func moreThanOneAtATimeIsRefused() throws {
    let two = try set([1, 2], ids: [1, 2], next: 3)
    #expect(throws: TooManyConsenterChanges(added: 2, removed: 0)) {
      try two.changed(to: [1, 2, 3, 4].map(consenter))
    }
    #expect(throws: TooManyConsenterChanges(added: 0, removed: 2)) { try two.changed(to: []) }
    #expect(throws: TooManyConsenterChanges(added: 2, removed: 1)) {
      try two.changed(to: [1, 3, 4].map(consenter))
    }
    #expect(
      "\(TooManyConsenterChanges(added: 2, removed: 1))" == """
        update of more than one consenter at a time is not supported, requested changes: add 2 node(s), \
        remove 1 node(s)
        """)
  }

  @Test func theLastIDOfAllIsNotGiven() throws {
    let set = try set([1], ids: [1], next: .max)
    #expect(throws: TooManyConsenterChanges.self) { try set.changed(to: [1, 2].map(consenter)) }
  }

  @Test func aNodeKnowsItselfByTheKeyOfItsServerCertificate() throws {
    let set = try set([1, 2, 3], ids: [4, 5, 6], next: 7)
    #expect(set.id(of: try #require(ConsenterKey(pem: serverCertificate(2)))) == 5)
    #expect(set.id(of: try #require(ConsenterKey(pem: serverCertificate(4)))) == nil)
    #expect(ConsenterKey(pem: Array("no certificate".utf8)) == nil)
  }

  @Test func idsAndConsentersMustBeAsMany() throws {
    #expect(throws: UnusableBlockMetadata.self) { try set([1, 2], ids: [1], next: 2) }
  }
}
