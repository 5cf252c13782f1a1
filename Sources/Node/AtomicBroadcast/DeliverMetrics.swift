// What Deliver is measured by.

import Metrics
import Ordering
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
      let labels = [("channel", channel), ("filtered", "false"), ("data_type", "block")]
      func completed(_ success: Bool) -> Counter {
        Counter(
          label: "deliver_requests_completed", dimensions: labels + [("success", "\(success)")],
          factory: factory)
      }
      received = Counter(
        label: "deliver_requests_received", dimensions: labels, factory: factory)
      succeeded = completed(true)
      failed = completed(false)
      blocks = Counter(label: "deliver_blocks_sent", dimensions: labels, factory: factory)
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
    streamsOpened = Counter(label: "deliver_streams_opened", factory: factory)
    streamsClosed = Counter(label: "deliver_streams_closed", factory: factory)
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
