// What the rooms of a node record is Fabric's list of metrics, and the documentation's.

import Foundation
import TestSupport
import Testing

@testable import NodeMetrics
@testable import OrdererServer

@Suite struct NodeCatalogueTests {
  /// Names, kinds and labels as the orderers 1.4 to 3.1 export them.
  private static let fabric = """
    blockcutter_block_fill_duration histogram channel
    broadcast_enqueue_duration histogram channel,type,status
    broadcast_processed_count counter channel,type,status
    broadcast_validate_duration histogram channel,type,status
    cluster_comm_egress_queue_capacity gauge host,msg_type,channel
    cluster_comm_egress_queue_length gauge host,msg_type,channel
    cluster_comm_egress_queue_workers gauge channel
    cluster_comm_egress_stream_count gauge channel
    cluster_comm_egress_tls_connection_count gauge
    cluster_comm_ingress_stream_count gauge
    cluster_comm_msg_dropped_count counter host,channel
    cluster_comm_msg_send_time histogram host,channel
    consensus_etcdraft_active_nodes gauge channel
    consensus_etcdraft_cluster_size gauge channel
    consensus_etcdraft_committed_block_number gauge channel
    consensus_etcdraft_config_proposals_received counter channel
    consensus_etcdraft_data_persist_duration histogram channel
    consensus_etcdraft_is_leader gauge channel
    consensus_etcdraft_leader_changes counter channel
    consensus_etcdraft_normal_proposals_received counter channel
    consensus_etcdraft_proposal_failures counter channel
    consensus_etcdraft_snapshot_block_number gauge channel
    consensus_kafka_batch_size gauge topic
    consensus_kafka_compression_ratio gauge topic
    consensus_kafka_incoming_byte_rate gauge broker_id
    consensus_kafka_last_offset_persisted gauge channel
    consensus_kafka_outgoing_byte_rate gauge broker_id
    consensus_kafka_record_send_rate gauge topic
    consensus_kafka_records_per_request gauge topic
    consensus_kafka_request_latency gauge broker_id
    consensus_kafka_request_rate gauge broker_id
    consensus_kafka_request_size gauge broker_id
    consensus_kafka_response_rate gauge broker_id
    consensus_kafka_response_size gauge broker_id
    deliver_blocks_sent counter channel,filtered,data_type
    deliver_requests_completed counter channel,filtered,data_type,success
    deliver_requests_received counter channel,filtered,data_type
    deliver_streams_closed counter
    deliver_streams_opened counter
    fabric_version gauge version
    grpc_comm_conn_closed counter
    grpc_comm_conn_opened counter
    grpc_server_stream_messages_received counter service,method
    grpc_server_stream_messages_sent counter service,method
    grpc_server_stream_request_duration histogram service,method,code
    grpc_server_stream_requests_completed counter service,method,code
    grpc_server_stream_requests_received counter service,method
    grpc_server_unary_request_duration histogram service,method,code
    grpc_server_unary_requests_completed counter service,method,code
    grpc_server_unary_requests_received counter service,method
    ledger_blockchain_height gauge channel
    ledger_blockstorage_commit_time histogram channel
    logging_entries_checked counter level
    logging_entries_written counter level
    participation_consensus_relation gauge channel
    participation_status gauge channel
    """

  @Test func hasEveryMetricOfFabricThatIsRecordedWithItsKindAndLabels() {
    let own = MetricCatalogue.node.all.filter { metric in
      !["process_", "promhttp_", "heddle_"].contains { metric.name.hasPrefix($0) }
    }
    let lines = own.map {
      [$0.name, $0.kind.rawValue, $0.labels.joined(separator: ",")].filter { !$0.isEmpty }
        .joined(separator: " ")
    }
    #expect(lines.sorted() == Self.fabric.split(separator: "\n").map(String.init).sorted())
  }

  @Test func everyNameIsThereOnceAndValid() {
    #expect(Set(MetricCatalogue.node.all.map(\.name)).count == MetricCatalogue.node.all.count)
    for metric in MetricCatalogue.node.all {
      #expect(MetricName.metric(metric.name) == metric.name)
      #expect(metric.labels.map(MetricName.label) == metric.labels)
      #expect(metric.help.hasSuffix("."))
      #expect(MetricCatalogue.node.description(of: metric.name) == metric)
    }
    #expect(MetricCatalogue.node.description(of: "nosuch") == nil)
  }

  @Test func onlyHistogramsHaveBucketsAndTheyAscend() {
    for metric in MetricCatalogue.node.all {
      #expect(metric.buckets.isEmpty == (metric.kind != .histogram))
      #expect(metric.buckets == metric.buckets.sorted())
    }
  }

  @Test func bucketsAreGosButForTheBlockStore() {
    for metric in MetricCatalogue.node.all
    where metric.kind == .histogram && !metric.name.hasPrefix("heddle_") {
      #expect(
        metric.buckets
          == (metric.name == "ledger_blockstorage_commit_time"
            ? [0.005, 0.01, 0.015, 0.05, 0.1, 1, 10]
            : [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]))
    }
  }

  @Test(arguments: [
    ("broadcast_processed_count", "broadcast.processed_count.%{channel}.%{type}.%{status}"),
    ("deliver_streams_opened", "deliver.streams_opened"),
    (
      "deliver_requests_completed",
      "deliver.requests_completed.%{channel}.%{filtered}.%{data_type}.%{success}"
    ),
    ("consensus_kafka_request_rate", "consensus.kafka.request_rate.%{broker_id}"),
    ("fabric_version", "fabric_version.%{version}"),
    (
      "grpc_server_unary_request_duration",
      "grpc.server.unary_request_duration.%{service}.%{method}.%{code}"
    ),
    ("ledger_blockchain_height", "ledger.blockchain_height.%{channel}"),
    ("logging_entries_checked", "logging.entries_checked.%{level}"),
    ("participation_status", "participation.status.%{channel}"),
  ])
  func statsdNamesAreFabrics(name: String, format: String) {
    #expect(MetricCatalogue.node.description(of: name)?.statsdFormat == format)
  }

  @Test func theDocumentationListsEveryMetric() throws {
    let page = Repository.root.appending(path: "docs/operations.md")
    let rows = try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
      .filter {
        $0.hasPrefix("| `") && $0.contains("| counter |") || $0.contains("| gauge |")
          || $0.contains("| histogram |")
      }.map(String.init)
    let expected = MetricCatalogue.node.all.map { metric in
      let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
      return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.help) |"
    }
    #expect(rows == expected, "this is the table:\n\(expected.joined(separator: "\n"))")
  }
}
