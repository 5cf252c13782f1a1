// What the connections to other nodes record.

import Concurrency
import MetricsTestKit
import Ordering
import TestSupport
import Testing

@testable import Cluster

@Suite struct ClusterMetricsTests {
  private let metrics = TestMetrics()

  private func gauge(_ name: String, _ labels: (String, String)...) throws -> Double? {
    try metrics.expectGauge("cluster_comm_\(name)", labels).lastValue
  }

  @Test func connectionsStreamsAndQueuesAreCounted() async throws {
    let connector = TestConnector()
    var settings = ClusterSettings()
    settings.sendBufferSize = 2
    let cluster = Cluster(
      settings: settings, connector: connector, time: ManualTime(), now: { 1_767_225_600 },
      logger: TestLog().logger, metrics: metrics)
    let chain = TestChain()
    cluster.connect("alpha", to: [try member(2, node: 2)], for: chain)
    let queue = [("host", "node2:7050"), ("msg_type", "consensus"), ("channel", "alpha")]
    #expect(try metrics.expectGauge("cluster_comm_egress_queue_capacity", queue).lastValue == 2)

    #expect(cluster.send([[1]], metadata: [], in: "alpha", to: 2))
    let stream = await connector.stream()
    _ = await stream.frames(1)
    try await eventually { try gauge("egress_tls_connection_count") == 1 }
    #expect(try gauge("egress_stream_count", ("channel", "alpha")) == 1)
    #expect(try gauge("egress_queue_workers", ("channel", "alpha")) == 1)

    stream.hold(true)
    while cluster.send([[1]], metadata: [], in: "alpha", to: 2) { await Task.yield() }
    _ = await chain.waitForEvents(1)
    let dropped = try metrics.expectCounter(
      "cluster_comm_msg_dropped_count", [("host", "node2:7050"), ("channel", "alpha")])
    #expect(dropped.totalValue == 1)
    try await eventually { try gauge("egress_stream_count", ("channel", "alpha")) == 0 }
    cluster.disconnect("alpha")
    #expect(try gauge("egress_tls_connection_count") == 0)
  }

  @Test func streamsOfOtherNodesAreCounted() throws {
    let cluster = Cluster(
      settings: ClusterSettings(), connector: TestConnector(), time: ManualTime(), now: { 0 },
      logger: TestLog().logger, metrics: metrics)
    #expect(try gauge("ingress_stream_count") == 0)
    #expect(cluster.ingress.open([1]) && cluster.ingress.open([1]))
    cluster.ingress.close([1])
    #expect(try gauge("ingress_stream_count") == 1)
  }
}
