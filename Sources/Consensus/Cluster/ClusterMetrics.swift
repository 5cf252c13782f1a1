// The metrics of the connections between nodes (Fabric: `orderer/common/cluster/metrics.go`).

import MetricDescriptions
import Metrics
import Synchronization

/// Metrics of a node's cluster connections. Names, kinds and labels are Fabric's.
package struct ClusterMetrics: Sendable {
  private let factory: any MetricsFactory
  let connections: Gauge
  let ingressStreams: StreamCount

  init(factory: any MetricsFactory) {
    self.factory = factory
    connections = factory.gauge(Self.connectionCount)
    ingressStreams = StreamCount([factory.gauge(Self.ingressStreamCount)])
  }

  /// The count of a channel's streams to other nodes.
  func egressStreams(_ channelID: String) -> StreamCount {
    // Each stream has one task that sends.
    StreamCount([
      factory.gauge(Self.egressStreamCount, channelID),
      factory.gauge(Self.egressQueueWorkers, channelID),
    ])
  }

  func egress(
    _ channelID: String, _ server: ClusterServer, _ kind: Egress.Kind, streams: StreamCount
  ) -> EgressMetrics {
    EgressMetrics(
      length: factory.gauge(Self.egressQueueLength, server.endpoint, kind.rawValue, channelID),
      capacity: factory.gauge(Self.egressQueueCapacity, server.endpoint, kind.rawValue, channelID),
      dropped: factory.counter(Self.messagesDropped, server.endpoint, channelID),
      sendTime: factory.timer(Self.messageSendTime, server.endpoint, channelID),
      streams: streams, isRecording: factory.isRecording)
  }
}

/// How many streams there are, in one or more gauges.
final class StreamCount: Sendable {
  private let gauges: [Gauge]
  private let count = Mutex(0)

  init(_ gauges: [Gauge]) {
    self.gauges = gauges
    for gauge in gauges { gauge.record(0) }
  }

  func opened() { add(1) }
  func ended() { add(-1) }

  private func add(_ change: Int) {
    count.withLock { count in
      count += change
      for gauge in gauges { gauge.record(count) }
    }
  }
}

/// The metrics of one queue to one member.
struct EgressMetrics: Sendable {
  let length: Gauge
  let capacity: Gauge
  let dropped: Counter
  let sendTime: Timer
  let streams: StreamCount
  /// Whether anybody looks.
  let isRecording: Bool
}

extension ClusterMetrics {
  private static let queueLabels = ["host", "msg_type", "channel"]

  private static let egressQueueCapacity = MetricDescription.gauge(
    "cluster.comm.egress_queue_capacity", labels: queueLabels,
    "Messages to another orderer that may wait.")
  private static let egressQueueLength = MetricDescription.gauge(
    "cluster.comm.egress_queue_length", labels: queueLabels,
    "Messages to another orderer that wait.")
  private static let egressQueueWorkers = MetricDescription.gauge(
    "cluster.comm.egress_queue_workers", labels: ["channel"],
    "Tasks that send to other orderers.")
  private static let egressStreamCount = MetricDescription.gauge(
    "cluster.comm.egress_stream_count", labels: ["channel"], "Streams to other orderers.")
  private static let connectionCount = MetricDescription.gauge(
    "cluster.comm.egress_tls_connection_count", "TLS connections to other orderers.")
  private static let ingressStreamCount = MetricDescription.gauge(
    "cluster.comm.ingress_stream_count", "Streams from other orderers.")
  private static let messagesDropped = MetricDescription.counter(
    "cluster.comm.msg_dropped_count", labels: ["host", "channel"],
    "Messages to another orderer that were dropped, as it does not keep up.")
  private static let messageSendTime = MetricDescription.histogram(
    "cluster.comm.msg_send_time", labels: ["host", "channel"],
    "Seconds until messages to another orderer were handed on.")

  /// Every metric that is recorded here.
  package static let descriptions = [
    egressQueueCapacity, egressQueueLength, egressQueueWorkers, egressStreamCount, connectionCount,
    ingressStreamCount, messagesDropped, messageSendTime,
  ]
}
