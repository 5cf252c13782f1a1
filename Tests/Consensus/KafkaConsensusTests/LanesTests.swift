// Producers and consumers that channels share.

import CRdKafka
import Dispatch
import Testing

@testable import KafkaConsensus

@Suite(.serialized, .timeLimit(.minutes(3))) struct LanesTests {
  private let cluster: MockCluster
  private let settings = quickSettings()

  init() throws {
    cluster = try #require(MockCluster())
  }

  private func instance(_ type: rd_kafka_type_t) throws(KafkaError) -> KafkaInstance {
    let own = type == RD_KAFKA_PRODUCER ? settings.producerProperties : settings.consumerProperties
    return try KafkaInstance(
      type, properties: settings.properties(brokers: cluster.brokers, trust: nil) + own
    ) { event in
      guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR else { return }
      var message: UnsafePointer<rd_kafka_message_t>?
      while true {
        message = rd_kafka_event_message_next(event)
        guard let message else { return }
        KafkaEvents.report(message.pointee)
      }
    }
  }

  private func postingLanes() throws -> PostingLanes {
    try PostingLanes(blocking: DispatchQueue(label: "test", attributes: .concurrent)) {
      () throws(KafkaError) in try instance(RD_KAFKA_PRODUCER)
    }
  }

  @Test func aLonelyChannelNeedsOneProducer() async throws {
    cluster.createTopic("lonely")
    let lanes = try postingLanes()
    let topic = try PostingTopic("lonely", lanes)
    for number in 0..<50 {
      let outcome = await topic.post([.timeToCut(UInt64(number))]).outcome()
      #expect(outcome.failure == nil)
      #expect(outcome.offset == Int64(number))
    }
    #expect(lanes.all.count == 1)
    #expect(await topic.post([]).outcome().failure == nil)
    lanes.close()
  }

  /// Busy channels get more producers, and each channel's records stay in order however often it
  /// changes to another one.
  @Test func busyChannelsSpreadAndStayInOrder() async throws {
    let names = (0..<24).map { "busy\($0)" }
    for name in names { cluster.createTopic(name) }
    for broker in Int32(1)...3 { rd_kafka_mock_broker_set_rtt(cluster.handle, broker, 20) }
    let lanes = try postingLanes()
    let topics = try names.map { try PostingTopic($0, lanes) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for topic in topics {
        group.addTask {
          // Two at a time, and a break now and then.
          for round in 0..<20 {
            let first = topic.post([.timeToCut(UInt64(2 * round))])
            let second = topic.post([.timeToCut(UInt64(2 * round + 1))])
            let outcomes = (await first.outcome(), await second.outcome())
            #expect(outcomes.0.failure == nil && outcomes.1.failure == nil)
            #expect(outcomes.0.offset == Int64(2 * round))
            #expect(outcomes.1.offset == Int64(2 * round + 1))
          }
        }
      }
      try await group.waitForAll()
    }
    let count = lanes.all.count
    #expect(count > 1 && count <= PostingLanes.maximum)
    lanes.close()
  }

  @Test func consumersAreSharedUpToABound() throws {
    let lanes = try ReadingLanes { () throws(KafkaError) in try instance(RD_KAFKA_CONSUMER) }
    let first = (0..<ReadingLanes.crowd).map { _ in lanes.take().lane }
    #expect(Set(first) == [0])
    #expect(lanes.take().lane == 1)
    lanes.release(0)
    // The emptiest one is next.
    #expect(lanes.take().lane == 1)
    for _ in 0..<ReadingLanes.crowd * ReadingLanes.maximum { _ = lanes.take() }
    #expect(lanes.all.count == ReadingLanes.maximum)
    lanes.close()
  }
}
