// The metrics of a node: what each of its rooms says that it records.

import AtomicBroadcast
import Cluster
import Followers
import KafkaClient
import KafkaConsensus
import MetricDescriptions
import NodeMetrics
import Operations
import Ordering
import RaftConsensus

extension MetricCatalogue {
  /// Every metric that a node can have. Which of them it has depends on the consensus of its channels.
  static let node = MetricCatalogue(
    AtomicBroadcastMetrics.descriptions
      + ChannelMetrics.descriptions
      + ClusterMetrics.descriptions
      + KafkaClientMetrics.descriptions
      + KafkaChainMetrics.descriptions
      + RaftChainMetrics.descriptions
      + FollowerMetrics.descriptions
      + ParticipationMetrics.descriptions
      + GRPCMetrics.descriptions
      + LogCounters.descriptions
      + ExpiryReport.descriptions
      + [BuildInformation.versionGauge]
      + ProcessStatistics.descriptions
      + ScrapeMetrics.descriptions)
}

extension BuildInformation {
  static let versionGauge = MetricDescription.gauge(
    "fabric_version", labels: ["version"], "The version of the node as a label; always 1.")
}
