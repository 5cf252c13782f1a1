// Some metrics as the rooms of a node describe theirs.

import MetricDescriptions

@testable import NodeMetrics

extension MetricCatalogue {
  static let test = MetricCatalogue([
    .histogram(
      "broadcast.validate_duration", labels: ["channel", "type", "status"],
      "Seconds that the checks of a transaction took."),
    .counter(
      "broadcast.processed_count", labels: ["channel", "type", "status"],
      "Transactions that were answered."),
    .histogram(
      "blockcutter.block_fill_duration", labels: ["channel"],
      "Seconds from the first transaction of a block until the block was cut."),
    .counter(
      "deliver.blocks_sent", labels: ["channel", "filtered", "data_type"],
      "Blocks that were sent to readers."),
    .counter("deliver.streams_closed", "Streams of readers that were closed."),
    .counter("deliver.streams_opened", "Streams of readers that were opened."),
    .gauge("ledger.blockchain_height", labels: ["channel"], "Blocks in the ledger."),
    .histogram(
      "ledger.blockstorage_commit_time", labels: ["channel"],
      "Seconds until a block was safely in the block store.",
      buckets: [0.005, 0.01, 0.015, 0.05, 0.1, 1, 10]),
    .counter("logging.entries_checked", labels: ["level"], "Log entries that were compared."),
    .counter("logging.entries_written", labels: ["level"], "Log entries that were written."),
    .gauge(
      "fabric_version", labels: ["version"], "The version of the node as a label; always 1."),
    .gauge("cluster.comm.ingress_stream_count", "Streams that are open from other nodes."),
    .gauge(
      "consensus.etcdraft.cluster_size", labels: ["channel"], "Consenters of the channel."),
  ])
}
