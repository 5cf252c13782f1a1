// One series of a metric: what the hot path writes to and a scrape reads from.

import MetricDescriptions
import Metrics
import Synchronization

/// A number that several threads add to without a lock.
struct AtomicDouble: ~Copyable, Sendable {
  private let bits = Atomic<UInt64>(0)

  func load() -> Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  func add(_ amount: Double) {
    var current = bits.load(ordering: .relaxed)
    while true {
      let sum = Double(bitPattern: current) + amount
      let (exchanged, original) = bits.weakCompareExchange(
        expected: current, desired: sum.bitPattern, ordering: .relaxed)
      if exchanged { return }
      current = original
    }
  }
}

/// A metric with values for all its labels. Only what has been recorded is shown, as in Go, where
/// a series comes into being with its first value.
protocol MetricSeries: AnyObject, Sendable {
  var name: String { get }
  var key: SeriesKey { get }
}

/// The values of a metric's labels, in the order of the sorted label names.
struct SeriesKey: Hashable, Sendable, Comparable {
  let values: [String]

  static func < (first: SeriesKey, second: SeriesKey) -> Bool {
    first.values.lexicographicallyPrecedes(second.values) { Self.precedes($0, $1) }
  }

  /// Go's order of strings: by bytes.
  static func precedes(_ first: String, _ second: String) -> Bool {
    first.utf8.lexicographicallyPrecedes(second.utf8)
  }
}

/// A counter.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
  let name: String
  let key: SeriesKey
  private let count = Atomic<UInt64>(0)
  private let fraction = AtomicDouble()
  private let isRecorded = Atomic<Bool>(false)
  /// What the last report told.
  private let reported = Mutex(0.0)

  init(name: String, key: SeriesKey) {
    self.name = name
    self.key = key
  }

  /// What it grew by since the last call; nil if it did not.
  func takeGrowth() -> Double? {
    reported.withLock { reported in
      guard let value, value != reported else { return nil }
      // After a reset it begins anew.
      defer { reported = value }
      return value > reported ? value - reported : value
    }
  }

  /// Nil before the first recording.
  var value: Double? {
    guard isRecorded.load(ordering: .relaxed) else { return nil }
    return Double(count.load(ordering: .relaxed)) + fraction.load()
  }

  /// A negative amount is ignored: counters do not go down.
  func increment(by amount: Int64) {
    guard let amount = UInt64(exactly: amount) else { return }
    count.wrappingAdd(amount, ordering: .relaxed)
    if !isRecorded.load(ordering: .relaxed) { isRecorded.store(true, ordering: .relaxed) }
  }

  func increment(by amount: Double) {
    guard amount >= 0, amount.isFinite else { return }
    fraction.add(amount)
    if !isRecorded.load(ordering: .relaxed) { isRecorded.store(true, ordering: .relaxed) }
  }

  /// Back to zero, which Prometheus takes for a restart.
  func reset() {
    count.store(0, ordering: .relaxed)
    fraction.store(0)
  }
}

/// A gauge.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
  let name: String
  let key: SeriesKey
  private let number = AtomicDouble()
  private let isRecorded = Atomic<Bool>(false)
  private let isChanged = Atomic<Bool>(false)

  init(name: String, key: SeriesKey) {
    self.name = name
    self.key = key
  }

  /// Nil before the first recording.
  var value: Double? { isRecorded.load(ordering: .relaxed) ? number.load() : nil }

  /// The value if it was set since the last call.
  func takeChange() -> Double? {
    isChanged.exchange(false, ordering: .acquiringAndReleasing) ? number.load() : nil
  }

  func set(_ value: Int64) { set(Double(value)) }

  func set(_ value: Double) {
    number.store(value)
    changed()
  }

  func increment(by amount: Double) {
    number.add(amount)
    changed()
  }

  func decrement(by amount: Double) {
    number.add(-amount)
    changed()
  }

  func record(_ value: Int64) { set(Double(value)) }

  func record(_ value: Double) { set(value) }

  private func changed() {
    isChanged.store(true, ordering: .releasing)
    if !isRecorded.load(ordering: .relaxed) { isRecorded.store(true, ordering: .relaxed) }
  }
}

/// A histogram; times are in seconds.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
  /// What a scrape sees: observations per bucket (not cumulated; the last is beyond all bounds).
  struct Snapshot {
    var counts: [UInt64]
    var sum: Double
    var count: UInt64 { counts.reduce(0, &+) }
  }

  private static let nanosecondsPerSecond = 1e9

  let name: String
  let key: SeriesKey
  let bounds: [Double]
  private let counts = InlineArray<16, Atomic<UInt64>> { _ in Atomic(0) }
  private let sum = AtomicDouble()
  /// Single observations for statsd; nil if nobody takes them.
  let observations: ObservationSample?

  /// - Parameter bounds: ascending, at most ``MetricDescription/maximumBuckets``.
  init(name: String, key: SeriesKey, bounds: [Double], observations: ObservationSample?) {
    self.bounds = Array(bounds.prefix(MetricDescription.maximumBuckets))
    self.observations = observations
    self.name = name
    self.key = key
  }

  /// Nil before the first recording.
  var snapshot: Snapshot? {
    var snapshot = Snapshot(counts: [], sum: sum.load())
    for index in 0...bounds.count {
      snapshot.counts.append(counts[index].load(ordering: .relaxed))
    }
    return snapshot.counts.contains { $0 > 0 } ? snapshot : nil
  }

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    guard value.isFinite else { return }
    var index = 0
    while index < bounds.count, value > bounds[index] { index += 1 }
    counts[index].wrappingAdd(1, ordering: .relaxed)
    sum.add(value)
    observations?.add(value)
  }

  func recordNanoseconds(_ duration: Int64) {
    record(Double(duration) / Self.nanosecondsPerSecond)
  }
}
