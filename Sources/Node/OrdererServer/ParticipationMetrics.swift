// What the node is to each of its channels, as numbers.

import Metrics
import Multichannel

/// Fabric's `participation` metrics (Fabric: `orderer/common/multichannel/metrics.go`) of channels
/// whose consenter knows no cluster: the node's relation is `other`, and the channel is active, or has
/// failed if it is not available. What happens to it later is told by its health.
struct ParticipationMetrics: Sendable {
  private enum Relation {
    static let other = 0
  }

  private enum Status {
    static let active = 1
    static let failed = 3
  }

  let factory: any MetricsFactory

  /// Takes notice of a channel.
  func add(_ channelID: String, _ entry: Registrar.Entry) {
    let labels = [("channel", channelID)]
    let status =
      switch entry {
      case .channel: Status.active
      case .unavailable: Status.failed
      }
    Gauge(label: "participation_consensus_relation", dimensions: labels, factory: factory)
      .record(Relation.other)
    Gauge(label: "participation_status", dimensions: labels, factory: factory).record(status)
  }
}
