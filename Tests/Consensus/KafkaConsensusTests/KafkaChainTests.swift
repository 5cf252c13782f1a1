// Chains on a cluster of three brokers that fail in all the ways that brokers do.

import Concurrency
import Foundation
import KafkaClient
import KafkaMockCluster
import Metrics
import MetricsTestKit
import Ordering
import TestSupport
import Testing

@testable import KafkaConsensus

@Suite(.sockets, .serialized) struct KafkaChainTests {
  private let cluster: MockCluster

  init() throws {
    cluster = try #require(MockCluster())
  }

  private func start(
    _ channel: TestChannel, metadata: [UInt8] = [], settings: KafkaSettings = patientSettings(),
    time: any TimeSource = .system, metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) throws -> any Chain {
    let consenter = KafkaConsenter(
      settings: settings, time: time, now: { Date() }, logger: testLogger, metrics: metrics)
    let chain = try consenter.makeChain(
      support: channel, newestBlock: channel.newestBlock(holding: metadata))
    chain.start()
    return chain
  }

  private func channel(_ name: String) throws -> TestChannel {
    try TestChannel(name, brokers: cluster.addresses)
  }

  @Test func nodesOnTheSameTopicWriteTheSameBlocksWhileTheLeaderMoves() async throws {
    cluster.createTopic("moving")
    let channels = try (0..<2).map { _ in try channel("moving") }
    let chains = try channels.map { try start($0) }
    for channel in channels { await channel.waitUntilItWorks() }

    var taken: [String] = []
    for number in 0..<120 {
      if number % 20 == 10 { cluster.moveLeader(of: "moving", to: Int32(number / 20 % 3 + 1)) }
      let name = "message \(number)"
      if (try? await chains[number % 2].submit(name)) != nil { taken.append(name) }
    }
    #expect(taken.count > 100)
    for channel in channels {
      await channel.wait { [taken] in taken.allSatisfy(Set($0.names).contains) }
    }
    let count = channels[0].now.entries.count
    await channels[1].wait { $0.entries.count >= count }
    #expect(channels[0].now.entries.prefix(count) == channels[1].now.entries.prefix(count))
    let found = channels[0].now.names
    #expect(Set(found).count == found.count)
    for chain in chains { await chain.halt() }
  }

  @Test func aChainGoesOnWhereItsNewestBlockEnded() async throws {
    cluster.createTopic("again")
    let channel = try channel("again")
    var chain = try start(channel)
    await channel.waitUntilItWorks()
    for number in 0..<25 { try await chain.submit("\(number)") }
    await channel.wait { $0.names.count >= 10 }
    await chain.halt()
    await #expect(throws: ChainError.self) { try await chain.submit("no") }

    chain = try start(channel, metadata: channel.now.newestOffsets.serialized())
    await channel.waitUntilItWorks()
    try await chain.submit("last")
    await channel.wait { $0.names.last == "last" }
    #expect(channel.now.names == (0..<25).map(String.init) + ["last"])
    await chain.halt()
  }

  @Test func withoutBrokersMessagesAreRefusedUntilTheyAreBack() async throws {
    cluster.createTopic("outage")
    let channel = try channel("outage")
    let chain = try start(channel, time: FastTime())
    await channel.waitUntilItWorks()
    try await chain.submit("before")

    cluster.setDown(true)
    await #expect(throws: ChainError.self) { try await chain.submit("during") }
    await channel.wait { $0.error?.contains("can be reached") == true }
    #expect(channel.now.failure == nil)
    await #expect(throws: ChainError.self) { try await chain.submit("during") }

    cluster.setDown(false)
    await channel.waitUntilItWorks()
    await repeated { try await chain.submit("after") }
    await channel.wait { $0.names.last == "after" }
    #expect(channel.now.names.first == "before")
    await chain.halt()
  }

  @Test func aChainWhoseBrokersComeLateStartsThen() async throws {
    cluster.createTopic("late")
    cluster.setDown(true)
    let channel = try channel("late")
    let chain = try start(channel)
    #expect(channel.now.error != nil)
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    await channel.wait { $0.error?.contains("can be reached") == true }
    #expect(
      channel.now.error?.hasPrefix("backing Kafka cluster has not completed booting") == true)
    cluster.setDown(false)
    await channel.waitUntilItWorks()
    try await chain.waitReady()
    await chain.halt()
  }

  @Test func whatTheBrokersRefuseIsRefused() async throws {
    cluster.createTopic("errors")
    let channel = try channel("errors")
    let chain = try start(channel)
    await channel.waitUntilItWorks()
    cluster.failProducing(.messageTooLarge)
    do {
      try await chain.submit("large")
      Issue.record("a message that is too large was taken")
    } catch {
      #expect("\(error)".contains("message.max.bytes"))
    }
    try await chain.submit("good")
    await channel.wait { $0.names == ["good"] }
    await chain.halt()
  }

  @Test func tooFewReplicasDoNotLoseWhatIsTaken() async throws {
    cluster.createTopic("replicas")
    let channel = try channel("replicas")
    let chain = try start(channel)
    await channel.waitUntilItWorks()
    cluster.failProducing(.notEnoughReplicas, count: 5)
    var taken: [String] = []
    for number in 0..<5 {
      let name = "\(number)"
      if (try? await chain.submit(name)) != nil { taken.append(name) }
    }
    try await chain.submit("last")
    taken.append("last")
    await channel.wait { $0.names.last == "last" }
    #expect(channel.now.names == taken)
    await chain.halt()
  }

  @Test func aTopicThatEndsBeforeTheChainHaltsIt() async throws {
    cluster.createTopic("short")
    let channel = try channel("short")
    let offsets = KafkaOffsets(
      lastPersisted: 100, lastOriginalProcessed: 0, lastResubmittedConfig: 0)
    let chain = try start(channel, metadata: offsets.serialized())
    #expect(await channel.failure().contains("offset 100"))
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    await chain.halt()
  }

  /// The cluster keeps 5 MiB of a topic.
  @Test func recordsThatRetentionHasRemovedHaltTheChain() async throws {
    cluster.createTopic("removed")
    let channel = try channel("removed")
    var chain = try start(channel)
    await channel.waitUntilItWorks()
    for number in 0..<15 { try await chain.submit("\(number)") }
    await channel.wait { $0.names.count >= 10 }
    await chain.halt()
    let offsets = channel.now.newestOffsets

    let another = try self.channel("removed")
    let other = try start(another)
    await another.waitUntilItWorks()
    let large = String(repeating: "x", count: 400_000)
    for _ in 0..<20 { try await other.submit(large) }
    await other.halt()

    chain = try start(channel, metadata: offsets.serialized())
    let reason = await channel.failure()
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
    let channel = try channel("settings")
    var settings = patientSettings()
    settings.client.tls = KafkaClientSettings.TLS(
      certificate: "none", privateKey: "none", rootCertificates: ["none"])
    let chain = try start(channel, settings: settings)
    #expect(await channel.failure().contains("Kafka.TLS.RootCAs"))
    await chain.halt()
  }

  @Test func healthTellsWhatIsWrongWithTheTopic() async throws {
    cluster.createTopic("health")
    let channel = try channel("health")
    let chain = try start(channel)
    #expect(chain.healthComponent == "health/0")
    #expect(await chain.healthProblem() == nil)
    await channel.waitUntilItWorks()

    cluster.failProducing(.notEnoughReplicas, count: 100_000)
    await #expect(throws: ChainError.self) { try await chain.submit("bad") }
    // The brokers may take longer for an answer than those who ask have to wait.
    let problem = await repeated {
      await chain.healthProblem().flatMap { $0.contains("[replica ids: [") ? $0 : nil }
    }
    #expect(problem.contains("too few replicas of the topic health are in sync"))
    cluster.clearFailures()
    await repeated { await chain.healthProblem() == nil ? () : nil }

    cluster.setDown(true)
    await repeated { await chain.healthProblem()?.contains("can be reached") == true ? () : nil }
    cluster.setDown(false)
    await repeated { await chain.healthProblem() == nil ? () : nil }
    await chain.halt()
    #expect(await chain.healthProblem() == nil)
  }

  @Test func metricsComeFromBlocksAndFromTheLibrary() async throws {
    cluster.createTopic("measured")
    let metrics = TestMetrics()
    let channel = try channel("measured")
    let chain = try start(channel, metrics: metrics)
    func value(_ name: String, _ dimensions: [(String, String)]) -> Double? {
      try? metrics.expectGauge("consensus_kafka_\(name)", dimensions).lastValue
    }
    #expect(value("last_offset_persisted", [("channel", "measured")]) == -3)
    await channel.waitUntilItWorks()
    for number in 0..<25 { try await chain.submit("\(number)") }
    await channel.wait { $0.names.count == 25 }
    // The gauge follows the block.
    await repeated {
      let persisted = Double(channel.now.newestOffsets.lastPersisted)
      return value("last_offset_persisted", [("channel", "measured")]) == persisted ? () : nil
    }
    // librdkafka reports every ten seconds.
    await repeated {
      (value("record_send_rate", [("topic", "measured")]) ?? 0) > 0
        && (value("batch_size", [("topic", "measured")]) ?? 0) > 0
        && (1...3).contains { (value("request_rate", [("broker_id", "\($0)")]) ?? 0) > 0 }
        && (1...3).contains { (value("response_size", [("broker_id", "\($0)")]) ?? 0) > 0 }
        ? () : nil
    }
    await chain.halt()
  }
}
