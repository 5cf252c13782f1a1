// What must not go wrong when something else goes wrong: hostile records, one broker out of reach,
// slow brokers.

import Concurrency
import Foundation
import KafkaClient
import KafkaMockCluster
import Metrics
import Ordering
import TestSupport
import Testing

@testable import KafkaConsensus

@Suite(.sockets, .serialized) struct KafkaFaultTests {
  private let cluster: MockCluster

  init() throws {
    cluster = try #require(MockCluster())
  }

  private func start(
    _ channel: TestChannel, settings: KafkaSettings = patientSettings(),
    time: any TimeSource = .system
  ) throws -> any Chain {
    let consenter = KafkaConsenter(
      settings: settings, time: time, now: { Date() }, logger: testLogger)
    let chain = try consenter.makeChain(support: channel, newestBlock: channel.newestBlock())
    chain.start()
    return chain
  }

  @Test func whatWasCutBeforeARecordThatHaltsTheChainIsWritten() async throws {
    cluster.createTopic("poison")
    let client = try KafkaClient(
      brokers: cluster.addresses, settings: patientSettings().client,
      metrics: KafkaClientMetrics(factory: NOOPMetricsHandler.instance), time: .system,
      now: { Date() }, logger: testLogger)
    defer { client.close() }
    let topic = try client.topic("poison")
    let messages = (0..<35).map { regular("\($0)") }
    // All of them are read at once.
    let records = [.connect] + messages + [.timeToCut(99)]
    let outcome = await topic.post(records.map { $0.serialized() }).outcome()
    #expect(outcome.failure == nil)

    let channel = try TestChannel("poison", brokers: cluster.addresses)
    let chain = try start(channel)
    let reason = await channel.failure()
    #expect(reason.contains("the next block here is \(channel.height)"))
    #expect(channel.now.entries.joined().count == 30)
    await chain.halt()
  }

  @Test func aChannelWhoseLeaderOnlyThisNodeCannotReachIsSuspended() async throws {
    cluster.createTopic("unreachable")
    cluster.moveLeader(of: "unreachable", to: 1)
    let channel = try TestChannel("unreachable", brokers: cluster.addresses)
    let chain = try start(channel, time: FastTime())
    await channel.waitUntilItWorks()

    cluster.setDown(true, 1)
    await channel.wait { $0.error?.contains("the leader of the topic") == true }
    #expect(await chain.healthProblem()?.contains("the leader of the topic") == true)
    cluster.setDown(false, 1)
    await channel.waitUntilItWorks()
    #expect(channel.now.failure == nil)
    await chain.halt()
  }

  @Test func brokersThatTakeTheirTimeAreFoundAfterAnOutage() async throws {
    cluster.createTopic("slow")
    let channel = try TestChannel("slow", brokers: cluster.addresses)
    let chain = try start(channel)
    await channel.waitUntilItWorks()
    cluster.setDown(true)
    await repeated { await chain.healthProblem()?.contains("can be reached") == true ? () : nil }
    cluster.setAnswerTime(1_500)
    cluster.setDown(false)
    await repeated { try await chain.submit("found") }
    await chain.halt()
  }
}
