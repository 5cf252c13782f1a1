// Measures one Broadcast stream as it is served.

import FabricProtos
import Metrics
import NIOCore

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

  /// A message of this type took this long to be validated, and waits to be ordered.
  mutating func wait(type: Int32, validation: Int64) {
    guard metrics != nil else { return }
    validated.append((type, validation))
  }

  /// The first `count` of the messages that waited were taken, which took `enqueuing` nanoseconds.
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

  /// The messages that waited were not taken: the first is answered with this status, the others
  /// never.
  mutating func refuseWaiting(channel: String, status: Common_Status, enqueuing: Int64) {
    guard let metrics, let first = validated.first else { return }
    let series = metrics.series(channel: channel, type: first.type, status: status)
    series.validation.recordNanoseconds(first.nanoseconds)
    series.enqueuing.recordNanoseconds(enqueuing)
    series.processed.increment()
    validated.removeAll()
  }

  /// A message was refused without getting as far as the chain.
  ///
  /// - Parameter label: What metrics call the channel that a message names.
  func refuse(
    _ refusal: BroadcastRefusal, validation: Int64, label: (String?) -> String
  ) {
    guard let metrics else { return }
    let series = metrics.series(
      channel: label(refusal.channelID), type: refusal.headerType ?? BroadcastMetrics.unknownType,
      status: refusal.status)
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
