// What the node is to each of its channels, as numbers.

import MetricDescriptions
import Metrics
import Ordering

/// Fabric's `participation` metrics (Fabric: `orderer/common/multichannel/metrics.go`).
struct ParticipationMetrics: Sendable {
  let factory: any MetricsFactory

  /// Notes what the node is to a channel; nil if the channel is no longer here.
  func record(_ participation: ParticipationStatus?, of channelID: String) {
    let participation = participation ?? ParticipationStatus(relation: .other, status: .inactive)
    factory.gauge(Self.relation, channelID).record(participation.relation.number)
    factory.gauge(Self.status, channelID).record(participation.status.number)
  }
}

extension ParticipationMetrics {
  private static let relation = MetricDescription.gauge(
    "participation.consensus_relation", labels: ["channel"],
    "The node's part in the channel's consensus: 0 other, 1 consenter, 2 follower, 3 config tracker."
  )
  private static let status = MetricDescription.gauge(
    "participation.status", labels: ["channel"],
    "The node's state in the channel: 0 inactive, 1 active, 2 onboarding, 3 failed.")

  /// Every metric that is recorded here.
  static let descriptions = [relation, status]
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
