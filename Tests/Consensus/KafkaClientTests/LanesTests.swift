// Producers and consumers that topics share.

import CRdKafka
import KafkaMockCluster
import TestSupport
import Testing

@testable import KafkaClient

@Suite(.serialized, .sockets) struct LanesTests {
  private let cluster: MockCluster
  private let settings: KafkaClientSettings

  init() throws {
    cluster = try #require(MockCluster())
    // Time-outs that no load can reach.
    var settings = KafkaClientSettings()
    settings.readTimeout = .seconds(300)
    settings.writeTimeout = .seconds(300)
    settings.dialTimeout = .seconds(300)
    settings.metadataRetryBackoff = .milliseconds(50)
    settings.longestReconnectPause = .milliseconds(100)
    settings.version = "1.0.0"
    self.settings = settings
  }

  private func instance(_ type: rd_kafka_type_t) throws(KafkaError) -> KafkaInstance {
    let own = type == RD_KAFKA_PRODUCER ? settings.producerProperties : settings.consumerProperties
    return try KafkaInstance(
      type, properties: settings.properties(brokers: cluster.addresses, trust: nil) + own
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
    try PostingLanes(blocking: BlockingCalls()) {
      () throws(KafkaError) in try instance(RD_KAFKA_PRODUCER)
    }
  }

  @Test func aLonelyTopicNeedsOneProducer() async throws {
    cluster.createTopic("lonely")
    let lanes = try postingLanes()
    let topic = try PostingTopic("lonely", lanes)
    for number in 0..<50 {
      let outcome = await topic.post([[UInt8(number)]]).outcome()
      #expect(outcome.failure == nil)
      #expect(outcome.offset == Int64(number))
    }
    #expect(lanes.all.count == 1)
    #expect(await topic.post([]).outcome().failure == nil)
    lanes.close()
  }

  /// Busy topics get more producers, and each topic's records stay in order however often it changes to
  /// another one.
  @Test func busyTopicsSpreadAndStayInOrder() async throws {
    let names = (0..<24).map { "busy\($0)" }
    for name in names { cluster.createTopic(name) }
    cluster.setAnswerTime(20)
    let lanes = try postingLanes()
    let topics = try names.map { try PostingTopic($0, lanes) }
    // All of them have a record under way until there is another producer.
    cluster.setDown(true)
    let first = topics.map { $0.post([[0]]) }
    while lanes.all.count == 1 { try await Task.sleep(for: .milliseconds(10)) }
    cluster.setDown(false)
    for delivery in first { #expect(await delivery.outcome().offset == 0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for topic in topics {
        group.addTask {
          // Two at a time, and a break now and then.
          for round in 0..<20 {
            let first = topic.post([[1]])
            let second = topic.post([[2]])
            let outcomes = (await first.outcome(), await second.outcome())
            #expect(outcomes.0.failure == nil && outcomes.1.failure == nil)
            #expect(outcomes.0.offset == Int64(2 * round + 1))
            #expect(outcomes.1.offset == Int64(2 * round + 2))
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
