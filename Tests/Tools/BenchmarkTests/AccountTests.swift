// Every envelope of a run is counted once, with its times.

import TestSupport
import Testing

@testable import Benchmark

struct AccountTests {
  @Test("Latencies count from when an envelope was to be sent")
  func latencies() throws {
    var account = Account(count: 2)
    account.send(0..<1, scheduledAt: 1_000_000)
    account.send(1..<2, scheduledAt: 2_000_000)
    account.answer(0, status: 200, at: 5_000_000)
    account.answer(1, status: 200, at: 5_000_000)
    account.deliver([0, 1], transactions: 2, at: 12_000_000)
    let acknowledged = try #require(account.acknowledgeLatency.summary)
    #expect(acknowledged.count == 2)
    #expect(abs(acknowledged.maximum - 4) < 0.01)
    let delivered = try #require(account.deliverLatency.summary)
    #expect(abs(delivered.maximum - 11) < 0.02)
    #expect(abs(delivered.mean - 10.5) < 0.02)
    #expect(account.lastAcknowledgement == 5_000_000 && account.lastDelivery == 12_000_000)
  }

  @Test("What is acknowledged and in no block is counted, at most and at last")
  func backlog() {
    var account = Account(count: 4)
    account.send(0..<4, scheduledAt: 0)
    for number in 0..<3 { account.answer(number, status: 200, at: 1) }
    #expect(account.backlog == 3)
    account.deliver([0, 1], transactions: 2, at: 2)
    // This one comes before its answer.
    account.deliver([3], transactions: 1, at: 2)
    account.answer(3, status: 200, at: 3)
    #expect(account.backlog == 1 && account.maximumBacklog == 3)
    account.deliver([2], transactions: 1, at: 4)
    #expect(account.backlog == 0 && account.delivered == 4 && account.acknowledged == 4)
    #expect(account.settled == 4 && account.blocks == 3)
  }

  @Test("Refusals, unanswered envelopes, duplicates and transactions of others are told apart")
  func misfortunes() {
    var account = Account(count: 4)
    account.send(0..<3, scheduledAt: 0)
    account.answer(0, status: 400, at: 1)
    account.answer(1, status: 200, at: 1)
    account.abandon(2..<3)
    #expect(account.refused == [400: 1] && account.unanswered == 1 && account.settled == 3)
    // An envelope without an answer may be in a block.
    account.deliver([1, 2], transactions: 5, at: 2)
    account.deliver([1], transactions: 1, at: 3)
    // Never sent, and none of this run's numbers.
    account.deliver([3, 4, -1], transactions: 3, at: 4)
    #expect(account.delivered == 2 && account.duplicates == 1 && account.foreign == 6)
  }

  @Test("A run with nothing but failures is given up")
  func hopeless() {
    var account = Account(count: 200)
    account.send(0..<200, scheduledAt: 0)
    for number in 0..<99 { account.answer(number, status: 403, at: 1) }
    #expect(!account.isHopeless(limit: 100))
    account.fail("unavailable")
    #expect(account.isHopeless(limit: 100))
    account.answer(150, status: 200, at: 1)
    #expect(!account.isHopeless(limit: 100))
  }

  @Test("Of many reasons a few are kept")
  func reasons() {
    var account = Account(count: 0)
    for number in 0..<1_000 { account.fail("reason \(number % 50)") }
    #expect(account.reasons.count == Account.maximumReasons && account.failures == 1_000)
    var other = Account(count: 0)
    other.fail("\u{1B}[31m" + String(repeating: "x", count: 10_000))
    #expect(other.reasons[0].hasPrefix("\\u001b[31mxx") && other.reasons[0].utf8.count < 600)
  }

  @Test("Whatever the order of events, every envelope is counted once", arguments: 0..<20)
  func randomHistories(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let count = 50
    var account = Account(count: count)
    account.send(0..<count, scheduledAt: 0)
    for _ in 0..<500 {
      let number = Int.random(in: 0..<count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: account.answer(number, status: 200, at: 1)
      case 1: account.answer(number, status: 503, at: 1)
      case 2: account.deliver([number], transactions: 1, at: 1)
      default: account.abandon(number..<(number + 1))
      }
      #expect(account.settled <= count && account.delivered <= count)
      #expect(account.backlog >= 0 && account.backlog <= account.acknowledged)
    }
  }
}
