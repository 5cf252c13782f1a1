// The metrics of a Raft chain (Fabric: `orderer/consensus/etcdraft/metrics.go`).

import MetricDescriptions
import Metrics

/// The metrics of one channel's Raft chain. Names, kinds and meaning are Fabric's.
package struct RaftChainMetrics: Sendable {
  let clusterSize: Gauge
  let isLeader: Gauge
  let activeNodes: Gauge
  let committedBlockNumber: Gauge
  let snapshotBlockNumber: Gauge
  let leaderChanges: Counter
  let proposalFailures: Counter
  let dataPersistDuration: Timer
  let normalProposalsReceived: Counter
  let configProposalsReceived: Counter
  let resubmitted: Counter
  /// Jobs of the log that share a synchronization.
  let syncGroupSize: Recorder
  /// Whether anybody looks.
  let isRecording: Bool
  private let channelID: String
  private let factory: any MetricsFactory

  package init(channelID: String, factory: any MetricsFactory) {
    isRecording = factory.isRecording
    self.channelID = channelID
    self.factory = factory
    clusterSize = factory.gauge(Self.clusterSize, channelID)
    isLeader = factory.gauge(Self.isLeader, channelID)
    activeNodes = factory.gauge(Self.activeNodes, channelID)
    committedBlockNumber = factory.gauge(Self.committedBlockNumber, channelID)
    snapshotBlockNumber = factory.gauge(Self.snapshotBlockNumber, channelID)
    leaderChanges = factory.counter(Self.leaderChanges, channelID)
    proposalFailures = factory.counter(Self.proposalFailures, channelID)
    dataPersistDuration = factory.timer(Self.dataPersistDuration, channelID)
    normalProposalsReceived = factory.counter(Self.normalProposalsReceived, channelID)
    configProposalsReceived = factory.counter(Self.configProposalsReceived, channelID)
    resubmitted = factory.counter(Self.resubmitted, channelID)
    syncGroupSize = Recorder(
      label: Self.syncGroupSize.name, dimensions: [("channel", channelID)], aggregate: true,
      factory: factory)
  }

  /// Of another consenter.
  func unreachable(_ id: UInt64) -> Gauge {
    factory.gauge(Self.peerUnreachable, channelID, String(id))
  }
}

extension RaftChainMetrics {
  private static let clusterSize = MetricDescription.gauge(
    "consensus.etcdraft.cluster_size", labels: ["channel"], "Consenters of the channel.")
  private static let isLeader = MetricDescription.gauge(
    "consensus.etcdraft.is_leader", labels: ["channel"],
    "Whether this node leads the channel: 1 if it does, 0 if not.")
  private static let activeNodes = MetricDescription.gauge(
    "consensus.etcdraft.active_nodes", labels: ["channel"],
    "Consenters that are alive; 0 while there is no leader.")
  private static let committedBlockNumber = MetricDescription.gauge(
    "consensus.etcdraft.committed_block_number", labels: ["channel"],
    "The number of the newest block.")
  private static let snapshotBlockNumber = MetricDescription.gauge(
    "consensus.etcdraft.snapshot_block_number", labels: ["channel"],
    "The number of the block in the newest snapshot.")
  private static let leaderChanges = MetricDescription.counter(
    "consensus.etcdraft.leader_changes", labels: ["channel"],
    "How often another node became leader, or none, since the node started.")
  private static let proposalFailures = MetricDescription.counter(
    "consensus.etcdraft.proposal_failures", labels: ["channel"],
    "Transactions that could not be proposed.")
  private static let dataPersistDuration = MetricDescription.histogram(
    "consensus.etcdraft.data_persist_duration", labels: ["channel"],
    "Seconds until entries of the Raft log were safely on the disk.")
  private static let normalProposalsReceived = MetricDescription.counter(
    "consensus.etcdraft.normal_proposals_received", labels: ["channel"],
    "Normal transactions received from clients.")
  private static let configProposalsReceived = MetricDescription.counter(
    "consensus.etcdraft.config_proposals_received", labels: ["channel"],
    "Config transactions received from clients.")
  private static let resubmitted = MetricDescription.counter(
    "heddle.raft.resubmitted_count", labels: ["channel"],
    "Transactions that were handed to a leader again, since no block had them.")

  private static let syncGroupSize = MetricDescription.histogram(
    "heddle.raft.wal_sync_group_size", labels: ["channel"],
    "Writes to the Raft log that became durable with one synchronization.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256])
  private static let peerUnreachable = MetricDescription.gauge(
    "heddle.raft.peer_unreachable", labels: ["channel", "node"],
    "Whether the channel's leader does not hear of a consenter: 1 if so, 0 if it does. Stays while nobody leads."
  )

  /// Every metric that is recorded here.
  package static let descriptions = [
    clusterSize, isLeader, activeNodes, committedBlockNumber, snapshotBlockNumber, leaderChanges,
    proposalFailures, dataPersistDuration, normalProposalsReceived, configProposalsReceived,
    resubmitted, syncGroupSize, peerUnreachable,
  ]
}
