// How the messages of one turn come to their answers.

import FabricProtos
import Ordering
import Testing

import struct NIOCore.ByteBuffer

@testable import AtomicBroadcast

private final class FakeChannel {}

@Suite struct BroadcastTurnTests {
  private let channel = FakeChannel()

  private func message(isConfig: Bool = false) throws -> OrderedMessage {
    OrderedMessage(
      envelope: try EnvelopeView(Client.ordererAdmin().envelope()), configSequence: 0,
      isConfig: isConfig)
  }

  private func statuses(_ turn: BroadcastTurn<FakeChannel>) throws -> [Common_Status] {
    try turn.responses.map {
      try Orderer_BroadcastResponse(serializedBytes: Array($0.readableBytesView)).status
    }
  }

  @Test func messagesOfOneChannelAreOrderedTogether() throws {
    var turn = BroadcastTurn<FakeChannel>()
    for _ in 0..<3 {
      #expect(!turn.mustOrder(before: channel))
      turn.add(try message(), naming: "a", for: channel)
    }
    let taken = turn.takeBatch()
    let batch = try #require(taken)
    #expect(batch.channel === channel)
    #expect(batch.channelID == "a")
    #expect(batch.messages.count == 3)
    let none = turn.takeBatch()
    #expect(none == nil)
    turn.accept(3)
    #expect(try statuses(turn) == [.success, .success, .success])
    #expect(turn.isOpen)
  }

  @Test func anotherChannelsMessageWaitsForThoseBeforeIt() throws {
    var turn = BroadcastTurn<FakeChannel>()
    turn.add(try message(), naming: "a", for: channel)
    #expect(turn.mustOrder(before: FakeChannel()))
    #expect(!turn.mustOrder(before: channel))
    _ = turn.takeBatch()
    #expect(!turn.mustOrder(before: FakeChannel()))
  }

  @Test func nothingIsTakenAfterARefusal() throws {
    var turn = BroadcastTurn<FakeChannel>()
    turn.accept(1)
    turn.refuse(.forbidden, "no")
    #expect(turn.state == .refused)
    turn.accept(1)
    turn.refuse(.badRequest, "no")
    turn.breakOff()
    turn.add(try message(), naming: "a", for: channel)
    turn.next()
    let none = turn.takeBatch()
    #expect(none == nil)
    #expect(turn.state == .refused)
    #expect(try statuses(turn) == [.success, .forbidden])
  }

  @Test func aBrokenStreamStillGetsTheAnswersBefore() throws {
    var turn = BroadcastTurn<FakeChannel>()
    turn.accept(2)
    turn.breakOff()
    turn.refuse(.badRequest, "no")
    #expect(turn.state == .broken)
    #expect(try statuses(turn) == [.success, .success])
  }

  @Test func theNextTurnBeginsWithoutAnswers() {
    var turn = BroadcastTurn<FakeChannel>()
    turn.accept(2)
    turn.next()
    #expect(turn.isOpen)
    #expect(turn.responses.isEmpty)
  }
}
