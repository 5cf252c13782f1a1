// The metrics of a followed channel.

import MetricDescriptions
import Metrics

/// How far a follower is. Fabric tells nothing of it but the height (`ledger_blockchain_height`).
package struct FollowerMetrics: Sendable {
  private let target: Gauge?

  init(channelID: String, factory: any MetricsFactory) {
    target = factory.isRecording ? factory.gauge(Self.target, channelID) : nil
  }

  /// Others have this many blocks, as far as is known.
  func setTarget(_ height: UInt64) { target?.record(height) }

  private static let target = MetricDescription.gauge(
    "heddle.follower.target_height", labels: ["channel"],
    "Blocks that other orderers have of a channel that this node follows; compare ledger_blockchain_height."
  )

  /// Every metric that is recorded here.
  package static let descriptions = [target]
}
