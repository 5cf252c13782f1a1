// The metrics of a channel's ordering and ledger.

import MetricDescriptions
import Metrics

/// The metrics of one channel below the API: cutting, writing, dropping. Names and meaning are those of
/// Fabric's `blockcutter` and `ledger` metrics.
///
/// Recording is cheap enough for once per block; nothing here is for each message.
package struct ChannelMetrics: Sendable {
  /// Why a message that was taken from a client is in no block.
  package enum DropReason: String, Sendable {
    /// The configuration has changed between the first validation and the message's turn, and does
    /// not allow the message any more.
    case invalidated
    /// What became of the message under a newer configuration is larger than the consenter can take.
    case tooLarge = "too_large"
  }

  private struct Handlers {
    let channelID: String
    let factory: any MetricsFactory
    let fillDuration: Timer
    let height: Gauge
    let commitTime: Timer
  }

  /// nil if nobody looks.
  private let handlers: Handlers?

  /// Metrics that are not recorded.
  package static let disabled = ChannelMetrics(channelID: "", factory: NOOPMetricsHandler.instance)

  /// Makes the channel's metrics known, all at zero.
  package init(channelID: String, factory: any MetricsFactory) {
    guard factory.isRecording else {
      handlers = nil
      return
    }
    handlers = Handlers(
      channelID: channelID, factory: factory,
      fillDuration: factory.timer(Self.fillDuration, channelID),
      height: factory.gauge(Self.height, channelID),
      commitTime: factory.timer(Self.commitTime, channelID))
  }

  /// Whether anybody looks.
  package var isRecording: Bool { handlers != nil }

  /// The ledger has this many blocks.
  package func setHeight(_ height: UInt64) {
    handlers?.height.record(height)
  }

  /// Blocks were committed, which share one synchronization and so took the same time.
  package func committed(blocks: Int, in duration: Duration) {
    guard let timer = handlers?.commitTime else { return }
    for _ in 0..<blocks { timer.record(duration: duration) }
  }

  /// A batch was cut this long after its first message came.
  func filled(in duration: Duration) {
    handlers?.fillDuration.record(duration: duration)
  }

  /// A message that was taken from a client will be in no block.
  ///
  /// The one metric here that Fabric does not have: in Fabric only the log tells.
  package func dropped(_ reason: DropReason) {
    guard let handlers else { return }
    // Rare: there is no need to keep the counters.
    handlers.factory.counter(Self.droppedCount, handlers.channelID, reason.rawValue).increment()
  }
}

extension ChannelMetrics {
  private static let fillDuration = MetricDescription.histogram(
    "blockcutter.block_fill_duration", labels: ["channel"],
    "Seconds from the first transaction of a block until the block was cut.")
  private static let height = MetricDescription.gauge(
    "ledger.blockchain_height", labels: ["channel"], "Blocks in the ledger.")
  private static let commitTime = MetricDescription.histogram(
    "ledger.blockstorage_commit_time", labels: ["channel"],
    "Seconds until a block was safely in the block store.",
    buckets: [0.005, 0.01, 0.015, 0.05, 0.1, 1, 10])
  private static let droppedCount = MetricDescription.counter(
    "heddle.orderer.messages_dropped_count", labels: ["channel", "reason"],
    "Transactions that were accepted and are in no block: the channel's configuration changed before their turn."
  )

  /// Every metric that is recorded here.
  package static let descriptions = [fillDuration, height, commitTime, droppedCount]
}
