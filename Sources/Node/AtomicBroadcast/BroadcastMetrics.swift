// What Broadcast is measured by.

import FabricProtos
import Metrics
import NIOCore
import Ordering
import Synchronization

/// The series of Fabric's `broadcast` metrics, made when they are first needed.
///
/// There are as many as channels, header types and statuses have come together: what a client makes
/// up counts as ``unknown``. (Fabric takes the client's word, so that anybody can fill its memory.)
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
  private static let unknownType: Int32 = -1

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
      let labels = [("channel", channel), ("type", name), ("status", status.name)]
      let made = Series(
        validation: Timer(
          label: "broadcast_validate_duration", dimensions: labels, factory: factory),
        enqueuing: Timer(
          label: "broadcast_enqueue_duration", dimensions: labels, factory: factory),
        processed: Counter(
          label: "broadcast_processed_count", dimensions: labels, factory: factory))
      series[key] = made
      return made
    }
  }
}

/// The measuring of one Broadcast stream: asks the clock once for each message, and finds series
/// without a lookup while the stream goes on with the same channel and type.
struct BroadcastRecorder {
  private let metrics: BroadcastMetrics?
  private var mark = NIODeadline.uptimeNanoseconds(0)
  /// Messages that were validated and wait to be ordered: their types, and how long they took.
  private var validated: [(type: Int32, nanoseconds: Int64)] = []
  private var accepted: (channel: String, type: Int32, series: BroadcastMetrics.Series)?

  init(_ metrics: BroadcastMetrics?) {
    self.metrics = metrics
  }

  /// The next message is looked at from now on.
  mutating func begin() {
    guard metrics != nil else { return }
    mark = .now()
  }

  /// Nanoseconds since the last call, or since ``begin()``.
  mutating func lap() -> Int64 {
    guard metrics != nil else { return 0 }
    let now = NIODeadline.now()
    defer { mark = now }
    return (now - mark).nanoseconds
  }

  /// A message of this type took so long to be validated, and waits to be ordered.
  mutating func wait(type: Int32, validation: Int64) {
    guard metrics != nil else { return }
    validated.append((type, validation))
  }

  /// The first of the messages that waited were taken, in so many nanoseconds.
  mutating func accept(_ count: Int, channel: String, enqueuing: Int64) {
    guard metrics != nil, count > 0 else { return }
    var index = 0
    while index < count {
      let type = validated[index].type
      guard let series = acceptedSeries(channel, type) else { break }
      let first = index
      while index < count, validated[index].type == type {
        series.validation.recordNanoseconds(validated[index].nanoseconds)
        series.enqueuing.recordNanoseconds(enqueuing)
        index += 1
      }
      series.processed.increment(by: index - first)
    }
    if count == validated.count {
      validated.removeAll(keepingCapacity: true)
    } else {
      validated.removeFirst(count)
    }
  }

  /// The messages that waited were not taken: the first is answered so, the others never are.
  mutating func refuseWaiting(channel: String, status: Common_Status, enqueuing: Int64) {
    guard let metrics, let first = validated.first else { return }
    let series = metrics.series(channel: channel, type: first.type, status: status)
    series.validation.recordNanoseconds(first.nanoseconds)
    series.enqueuing.recordNanoseconds(enqueuing)
    series.processed.increment()
    validated.removeAll()
  }

  /// A message was refused without getting as far as the chain.
  func refuse(channel: String, type: Int32, status: Common_Status, validation: Int64) {
    guard let series = metrics?.series(channel: channel, type: type, status: status) else { return }
    series.validation.recordNanoseconds(validation)
    series.processed.increment()
  }

  private mutating func acceptedSeries(
    _ channel: String, _ type: Int32
  ) -> BroadcastMetrics.Series? {
    if let accepted, accepted.type == type, accepted.channel == channel { return accepted.series }
    guard let series = metrics?.series(channel: channel, type: type, status: .success) else {
      return nil
    }
    accepted = (channel, type, series)
    return series
  }
}
