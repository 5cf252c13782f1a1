// What must not go wrong when something else does: races, hostile records, one broker out of reach.

import CRdKafka
import Concurrency
import FabricProtos
import Foundation
import Logging
import Metrics
import Ordering
import Synchronization
import Testing

@testable import KafkaConsensus

@Suite(.serialized, .timeLimit(.minutes(3))) struct KafkaFaultTests {
  private let cluster: MockCluster
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  init() throws {
    cluster = try #require(MockCluster())
  }

  private func makeChain(_ channel: TestChannel) throws -> KafkaChain {
    let consenter = KafkaConsenter(settings: quickSettings(), time: .system, logger: logger)
    return try #require(
      try consenter.makeChain(support: channel, newestBlock: channel.newestBlock()) as? KafkaChain)
  }

  @Test func whatWasCutBeforeARecordThatHaltsTheChainIsWritten() async throws {
    cluster.createTopic("poison")
    let client = try KafkaClient(
      brokers: cluster.brokers, settings: quickSettings(),
      metrics: KafkaMetrics(factory: NOOPMetricsHandler.instance), logger: logger)
    defer { client.close() }
    let topic = try client.topic("poison")
    let messages = (0..<35).map { regular("\($0)") }
    // All of them are read at once.
    let outcome = await topic.post([.connect] + messages + [.timeToCut(99)]).outcome()
    #expect(outcome.failure == nil)

    let channel = try TestChannel("poison", brokers: cluster.brokers)
    let chain = try makeChain(channel)
    chain.start()
    #expect(await eventually { channel.failure != nil })
    #expect(channel.failure?.contains("the next block here is \(channel.height)") == true)
    #expect(channel.entries.joined().count == 30)
    await chain.halt()
  }

  @Test func aChannelWhoseLeaderOnlyThisNodeCannotReachIsSuspended() async throws {
    cluster.createTopic("unreachable")
    cluster.moveLeader(of: "unreachable", to: 1)
    let channel = try TestChannel("unreachable", brokers: cluster.brokers)
    let chain = try makeChain(channel)
    chain.start()
    #expect(await eventually { (try? await chain.waitReady()) != nil })
    #expect(await eventually { channel.error == nil })

    rd_kafka_mock_broker_set_down(cluster.handle, 1)
    #expect(await eventually { channel.error?.contains("the leader of the topic") == true })
    #expect(await chain.healthProblem()?.contains("the leader of the topic") == true)
    rd_kafka_mock_broker_set_up(cluster.handle, 1)
    #expect(await eventually { channel.error == nil })
    #expect(channel.failure == nil)
    await chain.halt()
  }

  @Test func brokersThatTakeTheirTimeAreFoundAfterAnOutage() async throws {
    cluster.createTopic("slow")
    var settings = quickSettings()
    settings.readTimeout = .seconds(5)
    settings.dialTimeout = .seconds(5)
    let channel = try TestChannel("slow", brokers: cluster.brokers)
    let consenter = KafkaConsenter(settings: settings, time: .system, logger: logger)
    let chain = try consenter.makeChain(support: channel, newestBlock: channel.newestBlock())
    chain.start()
    #expect(await eventually { (try? await chain.waitReady()) != nil })
    cluster.setDown(true)
    #expect(await eventually { await chain.healthProblem()?.contains("can be reached") == true })
    for broker in Int32(1)...3 { rd_kafka_mock_broker_set_rtt(cluster.handle, broker, 1_500) }
    cluster.setDown(false)
    let message = OrderedMessage(
      envelope: try EnvelopeView(envelopeBytes([1])), configSequence: 0, isConfig: false)
    #expect(
      await eventually(within: .seconds(60)) { (try? await chain.submit([message])) != nil })
    await chain.halt()
  }

  @Test func theLastThingThatObserversHearIsWhatHolds() async throws {
    let reachability = Reachability(brokers: "kafka", logger: logger)
    let heard = Mutex<[Bool]>([])
    _ = reachability.observe { problem in
      // Long enough to be overtaken.
      if problem != nil { Thread.sleep(forTimeInterval: 0.5) }
      heard.withLock { $0.append(problem != nil) }
    }
    Thread { reachability.down() }.start()
    #expect(await eventually { reachability.isDown })
    await Task.detached { reachability.up() }.value
    #expect(await eventually { heard.withLock { $0.count } == 2 })
    #expect(heard.withLock { $0 } == [true, false])
  }

  @Test func oneTaskProbesHoweverOftenReadingFails() throws {
    let channel = try TestChannel("probes", brokers: cluster.brokers)
    let trouble = ChainTrouble(support: channel, patience: .seconds(1), logger: logger)
    trouble.set(.reading, "no")
    let first = try #require(trouble.beginProbing())
    #expect(trouble.beginProbing() == nil)
    #expect(trouble.isProbing(first))
    trouble.set(.reading, nil)
    trouble.set(.reading, "no")
    let second = try #require(trouble.beginProbing())
    #expect(!trouble.isProbing(first))
    #expect(trouble.isProbing(second))
    trouble.close()
    #expect(!trouble.isProbing(second))
  }

  @Test func aTopicThatHasBecomeShorterIsNotMistakenForRetention() {
    func text(_ available: Range<Int64>?) -> String {
      "\(TopicMismatch.unavailable(topic: "t", wanted: 12, block: 4, available: available))"
    }
    #expect(text(0..<11).contains("ends at offset 11 now"))
    #expect(text(0..<11).contains("the record at offset 11"))
    #expect(text(13..<20).contains("the topic has the offsets from 13 on"))
    #expect(text(nil).contains("retention"))
  }
}
