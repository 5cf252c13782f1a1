// Chains on a cluster of three brokers that fail in all the ways that brokers do.

import CRdKafka
import Concurrency
import FabricProtos
import Logging
import Metrics
import MetricsTestKit
import Ordering
import Testing

@testable import KafkaConsensus

@Suite(.serialized, .timeLimit(.minutes(3))) struct KafkaChainTests {
  private let cluster: MockCluster
  private let logger = Logger(label: "test") { label -> any LogHandler in
    // HEDDLE_TEST_LOG=1 shows what the chains say.
    if SimulationTests.number("HEDDLE_TEST_LOG") == nil { return SwiftLogNoOpLogHandler() }
    return StreamLogHandler.standardError(label: label)
  }

  init() throws {
    cluster = try #require(MockCluster())
  }

  private func message(_ name: String) throws -> OrderedMessage {
    OrderedMessage(
      envelope: try EnvelopeView(envelopeBytes(Array(name.utf8))), configSequence: 0,
      isConfig: false)
  }

  private func start(
    _ channel: TestChannel, metadata: [UInt8] = [], settings: KafkaSettings = quickSettings(),
    metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) throws -> any Chain {
    let consenter = KafkaConsenter(
      settings: settings, time: .system, logger: logger, metrics: metrics)
    let chain = try consenter.makeChain(
      support: channel, newestBlock: channel.newestBlock(holding: metadata))
    chain.start()
    return chain
  }

  private func isReady(_ chain: any Chain) async -> Bool {
    await eventually { (try? await chain.waitReady()) != nil }
  }

  private func names(_ channel: TestChannel) -> [String] {
    channel.entries.joined().map { entry in
      (try? EnvelopeView(entry)).map { String(decoding: $0.data, as: UTF8.self) } ?? "?"
    }
  }

  @Test func nodesOnTheSameTopicWriteTheSameBlocksWhileTheLeaderMoves() async throws {
    cluster.createTopic("moving")
    let channels = try (0..<2).map { _ in try TestChannel("moving", brokers: cluster.brokers) }
    let chains = try channels.map { try start($0) }
    for chain in chains { #expect(await isReady(chain)) }
    for channel in channels { #expect(channel.error == nil) }

    var taken: [String] = []
    for number in 0..<120 {
      if number % 20 == 10 { cluster.moveLeader(of: "moving", to: Int32(number / 20 % 3 + 1)) }
      let name = "message \(number)"
      if (try? await chains[number % 2].submit([try message(name)])) != nil { taken.append(name) }
    }
    #expect(taken.count > 100)
    #expect(
      await eventually { taken.allSatisfy(Set(names(channels[0])).contains) })
    #expect(await eventually { channels[0].entries == channels[1].entries })
    let found = names(channels[0])
    #expect(Set(found).count == found.count)
    for chain in chains { await chain.halt() }
  }

  @Test func aChainGoesOnWhereItsNewestBlockEnded() async throws {
    cluster.createTopic("again")
    let channel = try TestChannel("again", brokers: cluster.brokers)
    var chain = try start(channel)
    #expect(await isReady(chain))
    for number in 0..<25 { try await chain.submit([try message("\(number)")]) }
    #expect(await eventually { names(channel).count >= 10 })
    await chain.halt()
    await #expect(throws: ChainError.self) { try await chain.submit([try message("no")]) }

    chain = try start(channel, metadata: channel.newestOffsets.serialized())
    #expect(await isReady(chain))
    try await chain.submit([try message("last")])
    #expect(await eventually { names(channel).last == "last" })
    #expect(names(channel) == (0..<25).map(String.init) + ["last"])
    await chain.halt()
  }

  @Test func withoutBrokersMessagesAreRefusedUntilTheyAreBack() async throws {
    cluster.createTopic("outage")
    let channel = try TestChannel("outage", brokers: cluster.brokers)
    let chain = try start(channel)
    #expect(await isReady(chain))
    try await chain.submit([try message("before")])

    cluster.setDown(true)
    await #expect(throws: ChainError.self) { try await chain.submit([try message("during")]) }
    #expect(await eventually { channel.error != nil })
    #expect(channel.failure == nil)
    // At once, and not after the time that a post may take. What else runs may hold up one attempt.
    #expect(
      await eventually {
        let began = ContinuousClock.now
        guard (try? await chain.submit([message("during")])) == nil else { return false }
        return ContinuousClock.now - began < .seconds(1)
      })

    cluster.setDown(false)
    #expect(await eventually { channel.error == nil })
    #expect(await eventually { (try? await chain.submit([try message("after")])) != nil })
    #expect(await eventually { names(channel).last == "after" })
    #expect(names(channel).first == "before")
    await chain.halt()
  }

  @Test func aChainWhoseBrokersComeLateStartsThen() async throws {
    cluster.createTopic("late")
    cluster.setDown(true)
    let channel = try TestChannel("late", brokers: cluster.brokers)
    let chain = try start(channel)
    #expect(channel.error != nil)
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    try await Task.sleep(for: .milliseconds(500))
    cluster.setDown(false)
    #expect(await isReady(chain))
    #expect(await eventually { channel.error == nil })
    await chain.halt()
  }

  @Test func aChainThatIsStillStartingCanBeHalted() async throws {
    cluster.setDown(true)
    let channel = try TestChannel("halted", brokers: cluster.brokers)
    let chain = try start(channel)
    try await Task.sleep(for: .milliseconds(200))
    let began = ContinuousClock.now
    await chain.halt()
    #expect(ContinuousClock.now - began < .seconds(1))
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    #expect(channel.failure == nil)
  }

  @Test func whatTheBrokersRefuseIsRefused() async throws {
    cluster.createTopic("errors")
    let channel = try TestChannel("errors", brokers: cluster.brokers)
    let chain = try start(channel)
    #expect(await isReady(chain))
    cluster.failProducing([RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
    do {
      try await chain.submit([try message("large")])
      Issue.record("a message that is too large was taken")
    } catch {
      #expect("\(error)".contains("message.max.bytes"))
    }
    try await chain.submit([try message("good")])
    #expect(await eventually { names(channel) == ["good"] })
    await chain.halt()
  }

  @Test func tooFewReplicasDoNotLoseWhatIsTaken() async throws {
    cluster.createTopic("replicas")
    let channel = try TestChannel("replicas", brokers: cluster.brokers)
    let chain = try start(channel)
    #expect(await isReady(chain))
    cluster.failProducing(
      [rd_kafka_resp_err_t](repeating: RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, count: 5))
    var taken: [String] = []
    for number in 0..<5 {
      let name = "\(number)"
      if (try? await chain.submit([try message(name)])) != nil { taken.append(name) }
    }
    try await chain.submit([try message("last")])
    taken.append("last")
    #expect(await eventually { names(channel) == taken })
    await chain.halt()
  }

  @Test func aTopicThatEndsBeforeTheChainHaltsIt() async throws {
    cluster.createTopic("short")
    let channel = try TestChannel("short", brokers: cluster.brokers)
    let offsets = KafkaOffsets(
      lastPersisted: 100, lastOriginalProcessed: 0, lastResubmittedConfig: 0)
    let chain = try start(channel, metadata: offsets.serialized())
    #expect(await eventually { channel.failure != nil })
    #expect(channel.failure?.contains("offset 100") == true)
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    await chain.halt()
  }

  /// The cluster keeps 5 MiB of a topic.
  @Test func recordsThatRetentionHasRemovedHaltTheChain() async throws {
    cluster.createTopic("removed")
    let channel = try TestChannel("removed", brokers: cluster.brokers)
    var chain = try start(channel)
    #expect(await isReady(chain))
    for number in 0..<15 { try await chain.submit([try message("\(number)")]) }
    #expect(await eventually { names(channel).count >= 10 })
    let offsets = channel.newestOffsets
    await chain.halt()

    let other = try start(try TestChannel("removed", brokers: cluster.brokers))
    #expect(await isReady(other))
    let large = String(repeating: "x", count: 400_000)
    for _ in 0..<20 { try await other.submit([try message(large)]) }
    await other.halt()

    chain = try start(channel, metadata: offsets.serialized())
    #expect(await eventually { channel.failure != nil })
    let reason = channel.failure ?? ""
    #expect(
      reason.contains("the record at offset \(offsets.lastPersisted + 1) of the topic removed"))
    #expect(reason.contains("follows block \(channel.height - 1)"))
    #expect(reason.contains("the topic has the offsets from"))
    #expect(reason.contains("retention.ms"))
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    #expect(await chain.healthProblem() == nil)
    await chain.halt()
  }

  @Test func aSettingThatTheClientRefusesHaltsTheChain() async throws {
    let channel = try TestChannel("settings", brokers: cluster.brokers)
    var settings = quickSettings()
    settings.tls = KafkaSettings.TLS(
      certificate: "none", privateKey: "none", rootCertificates: ["none"])
    let chain = try start(channel, settings: settings)
    #expect(await eventually { channel.failure != nil })
    await chain.halt()
  }

  @Test func healthTellsWhatIsWrongWithTheTopic() async throws {
    cluster.createTopic("health")
    let channel = try TestChannel("health", brokers: cluster.brokers)
    let chain = try start(channel)
    #expect(chain.healthComponent == "health/0")
    #expect(await chain.healthProblem() == nil)
    #expect(await isReady(chain))
    #expect(await chain.healthProblem() == nil)

    // As long as the topic took something lately, it is not asked.
    try await chain.submit([try message("good")])
    let error = RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
    cluster.failProducing([rd_kafka_resp_err_t](repeating: error, count: 100))
    #expect(await chain.healthProblem() == nil)
    await #expect(throws: ChainError.self) { try await chain.submit([try message("bad")]) }
    let problem = await chain.healthProblem()
    #expect(problem?.contains("too few replicas of the topic health are in sync") == true)
    #expect(problem?.contains("[replica ids: [") == true)
    cluster.clearErrors()
    #expect(await eventually { await chain.healthProblem() == nil })

    cluster.setDown(true)
    #expect(await eventually { await chain.healthProblem()?.contains("can be reached") == true })
    cluster.setDown(false)
    #expect(await eventually { await chain.healthProblem() == nil })
    await chain.halt()
    #expect(await chain.healthProblem() == nil)
  }

  @Test func aStartingChainTellsItsChannelWhyItWaits() async throws {
    cluster.setDown(true)
    let channel = try TestChannel("waiting", brokers: cluster.brokers)
    let chain = try start(channel)
    #expect(await eventually { channel.error?.contains("can be reached") == true })
    #expect(channel.error?.hasPrefix("backing Kafka cluster has not completed booting") == true)
    cluster.setDown(false)
    #expect(await isReady(chain))
    #expect(await eventually { channel.error == nil })
    await chain.halt()
  }

  @Test func metricsComeFromBlocksAndFromTheLibrary() async throws {
    cluster.createTopic("measured")
    let metrics = TestMetrics()
    let channel = try TestChannel("measured", brokers: cluster.brokers)
    let chain = try start(channel, metrics: metrics)
    func value(_ name: String, _ dimensions: [(String, String)]) -> Double? {
      try? metrics.expectGauge("consensus_kafka_\(name)", dimensions).lastValue
    }
    #expect(value("last_offset_persisted", [("channel", "measured")]) == -3)
    #expect(await isReady(chain))
    for number in 0..<25 { try await chain.submit([try message("\(number)")]) }
    #expect(await eventually { names(channel).count >= 10 })
    #expect(
      await eventually {
        value("last_offset_persisted", [("channel", "measured")])
          == Double(channel.newestOffsets.lastPersisted)
      })
    #expect(
      await eventually(within: .seconds(60)) {
        (value("record_send_rate", [("topic", "measured")]) ?? 0) > 0
          && (value("batch_size", [("topic", "measured")]) ?? 0) > 0
          && (1...3).contains { (value("request_rate", [("broker_id", "\($0)")]) ?? 0) > 0 }
          && (1...3).contains { (value("response_size", [("broker_id", "\($0)")]) ?? 0) > 0 }
      })
    await chain.halt()
  }
}
