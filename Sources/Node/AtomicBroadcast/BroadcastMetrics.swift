// The metrics of Broadcast.

import FabricProtos
import MetricDescriptions
import Metrics
import Ordering
import Synchronization

/// The series of Fabric's `broadcast` metrics, made when they are first needed.
///
/// There is one for each combination of channel, header type and status that has occurred. What a
/// client makes up counts as ``unknown``. (Fabric takes the client's word, so that anybody can fill
/// its memory.)
final class BroadcastMetrics: Sendable {
  /// Messages of one channel and type that got one status.
  struct Series: Sendable {
    let validation: Timer
    let enqueuing: Timer
    let processed: Counter
  }

  private struct Key: Hashable {
    var channel: String
    var type: Int32
    var status: Int
  }

  /// The label of channels and types that this node does not know.
  static let unknown = "unknown"
  /// The number of a header type that nobody knows.
  static let unknownType: Int32 = -1

  private let factory: any MetricsFactory
  private let series = Mutex<[Key: Series]>([:])

  /// nil if nobody looks.
  init?(_ factory: any MetricsFactory) {
    guard factory.isRecording else { return nil }
    self.factory = factory
  }

  /// - Parameter channel: a channel of this node, or ``unknown``.
  func series(channel: String, type: Int32, status: Common_Status) -> Series {
    let name = Common_HeaderType.name(of: Int(type)) ?? Self.unknown
    let key = Key(
      channel: channel, type: name == Self.unknown ? Self.unknownType : type,
      status: status.rawValue)
    return series.withLock { series in
      if let known = series[key] { return known }
      let made = Series(
        validation: factory.timer(Self.validateDuration, channel, name, status.name),
        enqueuing: factory.timer(Self.enqueueDuration, channel, name, status.name),
        processed: factory.counter(Self.processedCount, channel, name, status.name))
      series[key] = made
      return made
    }
  }
}

extension BroadcastMetrics {
  private static let labels = ["channel", "type", "status"]

  private static let enqueueDuration = MetricDescription.histogram(
    "broadcast.enqueue_duration", labels: labels,
    "Seconds that handing a transaction to its channel's ordering took.")
  private static let processedCount = MetricDescription.counter(
    "broadcast.processed_count", labels: labels, "Transactions that were answered.")
  private static let validateDuration = MetricDescription.histogram(
    "broadcast.validate_duration", labels: labels,
    "Seconds that the checks of a transaction took.")

  /// Every metric that is recorded here.
  static let descriptions = [enqueueDuration, processedCount, validateDuration]
}
