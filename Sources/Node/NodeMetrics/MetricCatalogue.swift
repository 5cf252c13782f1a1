// Every metric that a node can have, with Fabric's names, kinds, labels and statsd names.

import MetricDescriptions

/// The metrics of an ordering node (Fabric: the `metrics.go` of each package).
///
/// A room makes its metrics with swift-metrics under these names; ``MetricRegistry`` finds kind,
/// labels and buckets here.
package enum MetricCatalogue {
  /// All metrics, in the order of their groups.
  package static let all: [MetricDescription] =
    broadcast + deliver + ledger + grpc + logging + node + kafka + cluster + raft + participation
    + heddle + process

  /// The description of the metric called `name` in Prometheus.
  package static func description(of name: String) -> MetricDescription? { byName[name] }

  /// Whether a metric of this name is known beforehand.
  package static func isCatalogued(_ name: String) -> Bool { byName[name] != nil }

  private static let byName: [String: MetricDescription] = Dictionary(
    all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  // MARK: Groups

  static let broadcast: [MetricDescription] = [
    histogram(
      .broadcast, "broadcast.enqueue_duration", ["channel", "type", "status"],
      "Seconds that handing a transaction to its channel's ordering took."),
    counter(
      .broadcast, "broadcast.processed_count", ["channel", "type", "status"],
      "Transactions that were answered."),
    histogram(
      .broadcast, "broadcast.validate_duration", ["channel", "type", "status"],
      "Seconds that the checks of a transaction took."),
    histogram(
      .broadcast, "blockcutter.block_fill_duration", ["channel"],
      "Seconds from the first transaction of a block until the block was cut."),
  ]

  static let deliver: [MetricDescription] = [
    counter(
      .deliver, "deliver.blocks_sent", ["channel", "filtered", "data_type"],
      "Blocks that were sent to readers."),
    counter(
      .deliver, "deliver.requests_completed", ["channel", "filtered", "data_type", "success"],
      "Requests for blocks that came to their end."),
    counter(
      .deliver, "deliver.requests_received", ["channel", "filtered", "data_type"],
      "Requests for blocks that arrived."),
    counter(.deliver, "deliver.streams_closed", [], "Streams of readers that were closed."),
    counter(.deliver, "deliver.streams_opened", [], "Streams of readers that were opened."),
  ]

  static let ledger: [MetricDescription] = [
    gauge(.ledger, "ledger.blockchain_height", ["channel"], "Blocks in the ledger."),
    histogram(
      .ledger, "ledger.blockstorage_commit_time", ["channel"],
      "Seconds until a block was safely in the block store.",
      buckets: [0.005, 0.01, 0.015, 0.05, 0.1, 1, 10]),
  ]

  static let grpc: [MetricDescription] = [
    counter(
      .grpc, "grpc.comm.conn_closed", [],
      "gRPC connections that were closed; opened less closed are there now."),
    counter(
      .grpc, "grpc.comm.conn_opened", [],
      "gRPC connections that were opened; opened less closed are there now."),
    counter(
      .grpc, "grpc.server.stream_messages_received", ["service", "method"],
      "Messages that arrived on streams."),
    counter(
      .grpc, "grpc.server.stream_messages_sent", ["service", "method"],
      "Messages that were sent on streams."),
    histogram(
      .grpc, "grpc.server.stream_request_duration", ["service", "method", "code"],
      "Seconds from the opening of a stream to its end."),
    counter(
      .grpc, "grpc.server.stream_requests_completed", ["service", "method", "code"],
      "Streams that came to their end."),
    counter(
      .grpc, "grpc.server.stream_requests_received", ["service", "method"],
      "Streams that were opened."),
    histogram(
      .grpc, "grpc.server.unary_request_duration", ["service", "method", "code"],
      "Seconds from a unary call to its answer."),
    counter(
      .grpc, "grpc.server.unary_requests_completed", ["service", "method", "code"],
      "Unary calls that were answered."),
    counter(
      .grpc, "grpc.server.unary_requests_received", ["service", "method"],
      "Unary calls that arrived."),
  ]

  static let logging: [MetricDescription] = [
    counter(
      .logging, "logging.entries_checked", ["level"],
      "Log entries that were compared with the active log spec."),
    counter(.logging, "logging.entries_written", ["level"], "Log entries that were written."),
  ]

  static let node: [MetricDescription] = [
    gauge(
      .node, "fabric_version", ["version"], "The version of the node as a label; always 1.",
      statsdFormat: "fabric_version.%{version}")
  ]

  static let kafka: [MetricDescription] = [
    gauge(
      .kafka, "consensus.kafka.batch_size", ["topic"],
      "Mean size in bytes of the batches that were sent to a topic."),
    gauge(
      .kafka, "consensus.kafka.compression_ratio", ["topic"],
      "Mean compression ratio of a topic's batches, in percent."),
    gauge(
      .kafka, "consensus.kafka.incoming_byte_rate", ["broker_id"],
      "Bytes per second that come from a broker."),
    gauge(
      .kafka, "consensus.kafka.last_offset_persisted", ["channel"],
      "The offset in the metadata of the newest block."),
    gauge(
      .kafka, "consensus.kafka.outgoing_byte_rate", ["broker_id"],
      "Bytes per second that go to a broker."),
    gauge(
      .kafka, "consensus.kafka.record_send_rate", ["topic"],
      "Records per second that go to a topic."),
    gauge(
      .kafka, "consensus.kafka.records_per_request", ["topic"],
      "Mean number of records in a request to a topic."),
    gauge(
      .kafka, "consensus.kafka.request_latency", ["broker_id"],
      "Mean latency of requests to a broker, in milliseconds."),
    gauge(
      .kafka, "consensus.kafka.request_rate", ["broker_id"],
      "Requests per second that go to a broker."),
    gauge(
      .kafka, "consensus.kafka.request_size", ["broker_id"],
      "Mean size of the requests to a broker, in bytes."),
    gauge(
      .kafka, "consensus.kafka.response_rate", ["broker_id"],
      "Responses per second that come from a broker."),
    gauge(
      .kafka, "consensus.kafka.response_size", ["broker_id"],
      "Mean size of the responses from a broker, in bytes."),
  ]

  static let cluster: [MetricDescription] = [
    gauge(
      .cluster, "cluster.comm.egress_queue_capacity", ["host", "msg_type", "channel"],
      "How many messages the queue to another node can hold."),
    gauge(
      .cluster, "cluster.comm.egress_queue_length", ["host", "msg_type", "channel"],
      "How many messages wait in the queue to another node."),
    gauge(
      .cluster, "cluster.comm.egress_queue_workers", ["channel"],
      "How many workers empty the queues to other nodes."),
    gauge(
      .cluster, "cluster.comm.egress_stream_count", ["channel"],
      "Streams that are open to other nodes."),
    gauge(
      .cluster, "cluster.comm.egress_tls_connection_count", [],
      "TLS connections that are open to other nodes."),
    gauge(
      .cluster, "cluster.comm.ingress_stream_count", [],
      "Streams that are open from other nodes."),
    counter(
      .cluster, "cluster.comm.msg_dropped_count", ["host", "channel"],
      "Messages to another node that were dropped."),
    histogram(
      .cluster, "cluster.comm.msg_send_time", ["host", "channel"],
      "Seconds that sending a message to another node took."),
  ]

  static let raft: [MetricDescription] = [
    gauge(
      .raft, "consensus.etcdraft.active_nodes", ["channel"],
      "Consenters of the channel that are active."),
    gauge(.raft, "consensus.etcdraft.cluster_size", ["channel"], "Consenters of the channel."),
    gauge(
      .raft, "consensus.etcdraft.committed_block_number", ["channel"],
      "The number of the newest block."),
    counter(
      .raft, "consensus.etcdraft.config_proposals_received", ["channel"],
      "Config transactions that arrived for ordering."),
    histogram(
      .raft, "consensus.etcdraft.data_persist_duration", ["channel"],
      "Seconds that writing Raft's data to disk took."),
    gauge(
      .raft, "consensus.etcdraft.is_leader", ["channel"],
      "1 if this node leads the channel, else 0."),
    counter(
      .raft, "consensus.etcdraft.leader_changes", ["channel"],
      "Changes of the leader since the node was started."),
    counter(
      .raft, "consensus.etcdraft.normal_proposals_received", ["channel"],
      "Normal transactions that arrived for ordering."),
    counter(
      .raft, "consensus.etcdraft.proposal_failures", ["channel"],
      "Proposals that failed."),
    gauge(
      .raft, "consensus.etcdraft.snapshot_block_number", ["channel"],
      "The number of the newest snapshot's block."),
  ]

  static let participation: [MetricDescription] = [
    gauge(
      .participation, "participation.consensus_relation", ["channel"],
      "The node's part in the channel's consensus: 0 other, 1 consenter, 2 follower, 3 config tracker."
    ),
    gauge(
      .participation, "participation.status", ["channel"],
      "The node's state in the channel: 0 inactive, 1 active, 2 onboarding, 3 failed."),
  ]

  /// What Fabric does not have.
  static let heddle: [MetricDescription] = [
    counter(
      .heddle, "heddle.logging.entries_dropped_count", [],
      "Log entries that were dropped because the log could not be written fast enough."),
    counter(
      .heddle, "heddle.orderer.messages_dropped_count", ["channel", "reason"],
      "Transactions that were accepted and are in no block: the channel's configuration changed before their turn."
    ),
  ]

  /// What Go's Prometheus client adds; with the same names, only for Prometheus.
  static let process: [MetricDescription] = [
    counter(.process, "process_cpu_seconds_total", [], "Processor time in seconds."),
    gauge(.process, "process_max_fds", [], "The limit of open file descriptors."),
    counter(
      .process, "process_network_receive_bytes_total", [],
      "Bytes that arrived in the process's network namespace."),
    counter(
      .process, "process_network_transmit_bytes_total", [],
      "Bytes that were sent in the process's network namespace."),
    gauge(.process, "process_open_fds", [], "Open file descriptors."),
    gauge(.process, "process_resident_memory_bytes", [], "Memory that is in RAM, in bytes."),
    gauge(
      .process, "process_start_time_seconds", [],
      "When the process was started, in seconds since 1970."),
    gauge(.process, "process_virtual_memory_bytes", [], "Virtual memory in bytes."),
    gauge(
      .process, "process_virtual_memory_max_bytes", [],
      "The limit of virtual memory in bytes; about 1.8e19 if there is none."),
    gauge(
      .process, "promhttp_metric_handler_requests_in_flight", [],
      "Requests for /metrics that are being answered."),
    counter(
      .process, "promhttp_metric_handler_requests_total", ["code"],
      "Requests for /metrics that were answered, by HTTP status."),
  ]

  // MARK: Entries

  /// Fabric composes both names of the same parts: Prometheus joins them with `_`, statsd with `.`,
  /// and then come the labels.
  private static func entry(
    _ kind: MetricDescription.Kind, _ group: MetricDescription.Group, _ name: String,
    _ labels: [String], _ help: String, _ buckets: [Double], _ statsdFormat: String?
  ) -> MetricDescription {
    MetricDescription(
      name: String(name.map { $0 == "." ? "_" : $0 }), kind: kind, group: group, labels: labels,
      help: help, buckets: buckets,
      statsdFormat: statsdFormat ?? ([name] + labels.map { "%{\($0)}" }).joined(separator: "."))
  }

  private static func counter(
    _ group: MetricDescription.Group, _ name: String, _ labels: [String], _ help: String
  ) -> MetricDescription {
    entry(.counter, group, name, labels, help, [], nil)
  }

  private static func gauge(
    _ group: MetricDescription.Group, _ name: String, _ labels: [String], _ help: String,
    statsdFormat: String? = nil
  ) -> MetricDescription {
    entry(.gauge, group, name, labels, help, [], statsdFormat)
  }

  private static func histogram(
    _ group: MetricDescription.Group, _ name: String, _ labels: [String], _ help: String,
    buckets: [Double] = MetricDescription.defaultBuckets
  ) -> MetricDescription {
    entry(.histogram, group, name, labels, help, buckets, nil)
  }
}
