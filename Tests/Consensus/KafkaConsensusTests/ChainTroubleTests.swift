// When a channel is told that its brokers are in trouble.

import Concurrency
import Testing

@testable import KafkaConsensus

@Suite struct ChainTroubleTests {
  private let time = ManualTime()
  private let channel: TestChannel
  private let trouble: ChainTrouble

  init() throws {
    channel = try TestChannel("trouble")
    trouble = ChainTrouble(
      support: channel, patience: .seconds(10), time: time, logger: testLogger)
  }

  @Test func eachTimeThatReadingFailsIsAnEpisodeOfItsOwn() throws {
    trouble.started()
    let first = try #require(trouble.readingFailed("no"))
    #expect(trouble.readingFailed("no") == nil)
    #expect(trouble.readingFailed("still not") == nil)
    #expect(trouble.isReadingFailing(since: first))
    trouble.readingWorks()
    let second = try #require(trouble.readingFailed("no"))
    #expect(!trouble.isReadingFailing(since: first))
    #expect(trouble.isReadingFailing(since: second))
    trouble.close()
    #expect(!trouble.isReadingFailing(since: second))
    #expect(trouble.readingFailed("no") == nil)
  }

  @Test func aProblemFromBeforeTheStartIsToldIfItLasts() async {
    trouble.brokers("gone")
    #expect(channel.now.error == "\(ChainTrouble.starting): gone")
    trouble.started()
    #expect(channel.now.error == nil)
    #expect(trouble.problem == "gone")
    await time.waitForSleepers(1)
    time.advance(by: .seconds(10))
    await channel.wait { $0.error == "gone" }
  }

  @Test func aChannelIsSuspendedUntilNothingIsWrong() async {
    trouble.started()
    trouble.brokers("gone")
    await time.waitForSleepers(1)
    time.advance(by: .seconds(10))
    await channel.wait { $0.error == "gone" }
    _ = trouble.readingFailed("away")
    trouble.brokers(nil)
    #expect(channel.now.error == "away")
    trouble.readingWorks()
    #expect(channel.now.error == nil)
    #expect(trouble.problem == nil)
  }

  @Test func thePatienceBeginsAnewWithEachOutage() async {
    trouble.started()
    trouble.brokers("gone")
    await time.waitForSleepers(1)
    time.advance(by: .seconds(9))
    trouble.brokers(nil)
    trouble.brokers("gone again")
    await time.waitForSleepers(1)
    time.advance(by: .seconds(9))
    #expect(channel.now.error == nil)
    time.advance(by: .seconds(1))
    await channel.wait { $0.error == "gone again" }
  }

  @Test func nothingIsToldAfterTheEnd() async {
    trouble.started()
    trouble.brokers("gone")
    await time.waitForSleepers(1)
    trouble.close()
    trouble.brokers("worse")
    trouble.started()
    #expect(channel.now.error == nil)
    #expect(trouble.problem == nil)
  }
}
