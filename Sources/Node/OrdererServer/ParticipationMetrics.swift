// What the node is to each of its channels, as numbers.

import Metrics
import Multichannel
import Ordering

/// Fabric's `participation` metrics (Fabric: `orderer/common/multichannel/metrics.go`), as they are when
/// a channel has been opened. What happens to it later is told by its health.
struct ParticipationMetrics: Sendable {
  let factory: any MetricsFactory

  /// Takes notice of a channel.
  func add(_ channelID: String, _ entry: Registrar.Entry) {
    let participation =
      switch entry {
      case .channel(let channel): channel.chain.participation
      case .unavailable: ParticipationStatus(relation: .other, status: .failed)
      }
    let labels = [("channel", channelID)]
    Gauge(label: "participation_consensus_relation", dimensions: labels, factory: factory)
      .record(participation.relation.number)
    Gauge(label: "participation_status", dimensions: labels, factory: factory)
      .record(participation.status.number)
  }
}

extension ParticipationStatus.Relation {
  /// Fabric's number for it.
  fileprivate var number: Int {
    switch self {
    case .other: 0
    case .consenter: 1
    case .follower: 2
    case .configTracker: 3
    }
  }
}

extension ParticipationStatus.Status {
  /// Fabric's number for it.
  fileprivate var number: Int {
    switch self {
    case .inactive: 0
    case .active: 1
    case .onboarding: 2
    case .failed: 3
    }
  }
}
