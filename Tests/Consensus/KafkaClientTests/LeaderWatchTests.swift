// Which topics a lost connection concerns.

import Concurrency
import Testing

@testable import KafkaClient

@Suite struct LeaderWatchTests {
  private let time = ManualTime()
  private let reachability: Reachability
  private let leaders = Watched<[LeaderWatch.Leader]?>(nil)
  private let looks = Watched(0)
  private let told = Watched<[String]>([])
  private let watch: LeaderWatch

  init() {
    reachability = Reachability(brokers: "a", time: time, logger: silent)
    watch = LeaderWatch(reachability: reachability, time: time) { [leaders, looks] in
      looks.change { $0 += 1 }
      return leaders.read { $0 }
    }
    for topic in ["t", "u"] {
      watch.observe(topic) { [told] reason in told.change { $0.append(reason) } }
    }
  }

  private func failure(_ broker: String) -> BrokerFailure {
    BrokerFailure("\(broker)/1: Receive failed: Connection reset (after 9000ms in state UP)")
  }

  private func look() async {
    await time.waitForSleepers(1)
    time.advance(by: LeaderWatch.pause)
  }

  @Test func onlyThoseWhoReadFromTheFailedBrokerAreTold() async {
    leaders.change { $0 = [("t", "a:1"), ("u", "b:1"), ("v", "a:1")] }
    watch.lost(failure("a:1"))
    watch.lost(failure("a:1"))
    await look()
    await told.wait { $0.isEmpty ? nil : () }
    #expect(told.read { $0 }.count == 1)
    #expect(
      told.read { $0 }.first?.hasPrefix("the leader of the topic t may be out of reach: ") == true)
    #expect(looks.read { $0 } == 1)
  }

  @Test func aTopicWithoutALeaderIsToldSo() async {
    leaders.change { $0 = [("u", nil)] }
    watch.lost(failure("a:1"))
    await look()
    await told.wait { $0 == ["the topic u has no leader"] ? () : nil }
  }

  @Test func withoutAnAnswerItLooksAgain() async {
    watch.lost(failure("a:1"))
    await look()
    await looks.wait { $0 == 1 ? () : nil }
    await time.waitForSleepers(1)
    leaders.change { $0 = [("t", "a:1")] }
    await look()
    await told.wait { $0.count == 1 ? () : nil }
  }

  @Test func anOutageOfAllBrokersIsToldElsewhere() async {
    leaders.change { $0 = [("t", "a:1")] }
    reachability.suspect()
    reachability.down()
    watch.lost(failure("a:1"))
    await look()
    await time.waitForSleepers(1)
    #expect(looks.read { $0 } == 0)
    reachability.up()
    await look()
    await told.wait { $0.count == 1 ? () : nil }
  }

  @Test func afterALookTheNextFailureBeginsAnother() async {
    leaders.change { $0 = [("t", "a:1")] }
    for count in 1...2 {
      watch.lost(failure("a:1"))
      await look()
      await told.wait { $0.count == count ? () : nil }
    }
    watch.stopObserving("t")
    watch.lost(failure("a:1"))
    await look()
    await looks.wait { $0 == 3 ? () : nil }
    #expect(told.read { $0 }.count == 2)
  }
}
