// The metrics of Deliver.

import MetricDescriptions
import Metrics
import Synchronization

/// The series of Fabric's `deliver` metrics. A request for a channel that does not exist here is not
/// counted, as in Fabric.
final class DeliverMetrics: Sendable {
  /// The requests for one channel.
  struct Series: Sendable {
    private let received: Counter
    private let succeeded: Counter
    private let failed: Counter
    private let blocks: Counter

    fileprivate init(channel: String, factory: any MetricsFactory) {
      // An orderer only delivers whole blocks, to everybody.
      let (filtered, type) = ("false", "block")
      received = factory.counter(requestsReceived, channel, filtered, type)
      succeeded = factory.counter(requestsCompleted, channel, filtered, type, "true")
      failed = factory.counter(requestsCompleted, channel, filtered, type, "false")
      blocks = factory.counter(blocksSent, channel, filtered, type)
    }

    func requestReceived() { received.increment() }

    func requestCompleted(success: Bool) {
      (success ? succeeded : failed).increment()
    }

    func sent(blocks count: Int) { blocks.increment(by: count) }
  }

  let streamsOpened: Counter
  let streamsClosed: Counter
  private let factory: any MetricsFactory
  private let series = Mutex<[String: Series]>([:])

  /// nil if nobody looks.
  init?(_ factory: any MetricsFactory) {
    guard factory.isRecording else { return nil }
    self.factory = factory
    streamsOpened = factory.counter(Self.openedCount)
    streamsClosed = factory.counter(Self.closedCount)
  }

  /// - Parameter channel: a channel of this node.
  func series(channel: String) -> Series {
    series.withLock { series in
      if let known = series[channel] { return known }
      let made = Series(channel: channel, factory: factory)
      series[channel] = made
      return made
    }
  }
}

extension DeliverMetrics {
  private static let labels = ["channel", "filtered", "data_type"]

  private static let blocksSent = MetricDescription.counter(
    "deliver.blocks_sent", labels: labels, "Blocks that were sent to readers.")
  private static let requestsCompleted = MetricDescription.counter(
    "deliver.requests_completed", labels: labels + ["success"],
    "Requests for blocks that came to their end.")
  private static let requestsReceived = MetricDescription.counter(
    "deliver.requests_received", labels: labels, "Requests for blocks that arrived.")
  private static let closedCount = MetricDescription.counter(
    "deliver.streams_closed", "Streams of readers that were closed.")
  private static let openedCount = MetricDescription.counter(
    "deliver.streams_opened", "Streams of readers that were opened.")

  /// Every metric that is recorded here.
  static let descriptions = [
    blocksSent, requestsCompleted, requestsReceived, closedCount, openedCount,
  ]
}
