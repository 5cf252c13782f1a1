// Whether a topic takes records.

import Concurrency
import KafkaClient
import TestSupport
import Testing

@testable import KafkaConsensus

@Suite(.sockets) struct TopicProbeTests {
  private let time = ManualTime()
  private let probe: TopicProbe

  init() { probe = TopicProbe(time: time) }

  private func delivered(_ failure: KafkaCode? = nil) -> Delivery {
    let delivery = Delivery(count: 1)
    delivery.report(failure, offset: 7)
    return delivery
  }

  @Test func aTopicThatWorksIsNotAskedForAWhile() async {
    var posts = 0
    for _ in 0..<2 {
      let failure = await probe.failure {
        posts += 1
        return delivered()
      }
      #expect(failure == nil)
    }
    #expect(posts == 1)
    time.advance(by: TopicProbe.validity)
    _ = await probe.failure {
      posts += 1
      return delivered()
    }
    #expect(posts == 2)
  }

  @Test func aTopicThatFailsIsAskedEachTime() async {
    #expect(await probe.failure { delivered(.tooFewReplicas) } == .tooFewReplicas)
    #expect(await probe.failure { delivered() } == nil)
  }

  @Test func whatClientsLearnCounts() async {
    probe.posted(Delivery.Outcome(failure: nil, offset: 1))
    #expect(await probe.failure { delivered(.tooFewReplicas) } == nil)
    // This says nothing about the topic.
    probe.posted(Delivery.Outcome(failure: .tooLarge, offset: -1))
    #expect(await probe.failure { delivered(.tooFewReplicas) } == nil)
    probe.posted(Delivery.Outcome(failure: .unreachable, offset: -1))
    #expect(await probe.failure { delivered(.tooFewReplicas) } == .tooFewReplicas)
  }

  @Test func whoeverAsksWaitsNoLongerThanThePatience() async {
    async let failure = probe.failure { Delivery(count: 1) }
    await time.waitForSleepers(1)
    // Others who ask meanwhile do not wait at all.
    #expect(await probe.failure { delivered(.tooFewReplicas) } == nil)
    time.advance(by: TopicProbe.patience)
    #expect(await failure == .abandoned)
  }
}
