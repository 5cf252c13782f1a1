// What gRPC and logging look like to Prometheus.

import Concurrency
import FabricLogging
import Logging
import Metrics
import NodeMetrics
import OrdererConfiguration
import Ordering
import TestSupport
import Testing

@testable import GRPCTransport
@testable import OrdererServer

@Suite(.sockets) struct NodeMetricsTests {
  private let registry = MetricRegistry(catalogue: .node, logger: Logger(label: "test"))

  private var text: [Substring] {
    String(decoding: registry.renderPrometheus(), as: UTF8.self).split(separator: "\n")
  }

  private func call(_ service: String, _ method: String) -> GRPCCall {
    GRPCCall(service: service, method: method, remoteAddress: "test:1", peerCertificates: [])
  }

  @Test func streamsAreMeasuredUnderFabricsNames() throws {
    let metrics = try #require(
      GRPCMetrics(paths: ["/orderer.AtomicBroadcast/Broadcast"], factory: registry))
    let call = call("orderer.AtomicBroadcast", "Broadcast")
    metrics.connectionOpened(remoteAddress: "test:1")
    metrics.streamOpened(call)
    metrics.messagesReceived(call, count: 5, bytes: 500)
    metrics.messagesSent(call, count: 4, bytes: 40)
    metrics.streamClosed(call, status: .ok, duration: .milliseconds(30))
    metrics.streamOpened(call)
    metrics.streamClosed(call, status: .cancelled, duration: .seconds(3))
    metrics.connectionClosed(remoteAddress: "test:1")
    let labels = "method=\"Broadcast\",service=\"orderer_AtomicBroadcast\""
    for line in [
      "grpc_comm_conn_opened 1", "grpc_comm_conn_closed 1",
      "grpc_server_stream_requests_received{\(labels)} 2",
      "grpc_server_stream_messages_received{\(labels)} 5",
      "grpc_server_stream_messages_sent{\(labels)} 4",
      "grpc_server_stream_requests_completed{code=\"OK\",\(labels)} 1",
      "grpc_server_stream_requests_completed{code=\"Canceled\",\(labels)} 1",
      "grpc_server_stream_request_duration_bucket{code=\"OK\",\(labels),le=\"0.025\"} 0",
      "grpc_server_stream_request_duration_bucket{code=\"OK\",\(labels),le=\"0.05\"} 1",
      "grpc_server_stream_request_duration_sum{code=\"Canceled\",\(labels)} 3",
    ] {
      #expect(text.contains(Substring(line)), "\(line)")
    }
  }

  @Test func theNodesPartInAChannelIsToldInNumbers() {
    ParticipationMetrics(factory: registry).record(
      ParticipationStatus(relation: .other, status: .failed), of: "broken")
    #expect(text.contains("participation_status{channel=\"broken\"} 3"))
    #expect(text.contains("participation_consensus_relation{channel=\"broken\"} 0"))
  }

  @Test func unaryCallsHaveMetricsOfTheirOwn() throws {
    let metrics = try #require(GRPCMetrics(paths: [], factory: registry))
    let call = call("grpc.health.v1.Health", "Check")
    metrics.streamOpened(call)
    metrics.messagesReceived(call, count: 1, bytes: 5)
    metrics.streamClosed(call, status: .ok, duration: .milliseconds(1))
    let labels = "method=\"Check\",service=\"grpc_health_v1_Health\""
    #expect(text.contains("grpc_server_unary_requests_received{\(labels)} 1"))
    #expect(text.contains("grpc_server_unary_requests_completed{code=\"OK\",\(labels)} 1"))
    #expect(!text.contains { $0.contains("stream_messages") })
  }

  @Test func methodsThatTheServerDoesNotHaveAreNotMeasured() throws {
    let metrics = try #require(GRPCMetrics(paths: [], factory: registry))
    metrics.streamOpened(call("made.up", "Method"))
    #expect(!text.contains { $0.contains("made_up") })
  }

  @Test func logEntriesAreCountedByLevelOnce() {
    let counters = LogCounters(factory: registry)
    counters.update(LogStatistics.test(info: 3, warn: 1))
    counters.update(LogStatistics.test(info: 3, warn: 1))
    counters.update(LogStatistics.test(info: 5, warn: 1))
    #expect(text.contains("logging_entries_checked{level=\"info\"} 5"))
    #expect(text.contains("logging_entries_written{level=\"info\"} 5"))
    #expect(text.contains("logging_entries_written{level=\"warn\"} 1"))
    #expect(!text.contains { $0.contains("level=\"fatal\"") })
  }

  @Test func withoutAProviderNothingIsMeasured() throws {
    #expect(GRPCMetrics(paths: [], factory: NOOPMetricsHandler.instance) == nil)
    let operations = try NodeOperations(
      OrdererConfiguration(), build: BuildInformation(commit: "c"), time: ManualTime(),
      logging: FabricLogging())
    #expect(operations.metrics is NOOPMetricsHandler)
  }

  @Test func anUnusableStatsdSettingIsNamed() {
    var configuration = OrdererConfiguration()
    configuration.metrics.provider = .statsd
    configuration.metrics.statsd.network = "carrier pigeon"
    #expect {
      try NodeOperations(
        configuration, build: BuildInformation(commit: "c"), time: ManualTime(),
        logging: FabricLogging())
    } throws: {
      "\($0)".contains("operations") && "\($0)".contains("Metrics.Statsd.Network")
    }
  }

  @Test func anAddressInUseIsToldAsTheOperationsServices() async throws {
    let build = BuildInformation(commit: "c")
    let first = try NodeOperations(
      OrdererConfiguration(), build: build, time: ManualTime(), logging: FabricLogging())
    try await first.start()
    var configuration = OrdererConfiguration()
    configuration.operations.listenAddress = try #require(first.address)
    let second = try NodeOperations(
      configuration, build: build, time: ManualTime(), logging: FabricLogging())
    await #expect {
      try await second.start()
    } throws: {
      "\($0)".contains("operations") && "\($0)".contains("in use")
    }
    await first.shutdown()
  }
}

extension LogStatistics {
  /// What FabricLogging would report after this many entries.
  static func test(info: Int, warn: Int) -> LogStatistics {
    let logging = FabricLogging(sink: KeptLines())
    let logger = logging.logger("test")
    for _ in 0..<info { logger.info("x") }
    for _ in 0..<warn { logger.warning("x") }
    logging.flush(timeout: .seconds(3600))
    return logging.statistics
  }
}
