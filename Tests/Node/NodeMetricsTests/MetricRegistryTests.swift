// What the backend of swift-metrics makes, shares, bounds and forgets.

import Logging
import Metrics
import TestSupport
import Testing

@testable import NodeMetrics

@Suite struct MetricRegistryTests {
  private let log = TestLog()

  private func registry(_ limits: MetricRegistry.Limits = .init()) -> MetricRegistry {
    MetricRegistry(catalogue: .test, limits: limits, logger: log.logger)
  }

  /// The samples as text, without comments and without the process's own.
  private func samples(_ registry: MetricRegistry) -> [String] {
    String(decoding: registry.renderPrometheus(process: ProcessStatistics()), as: UTF8.self)
      .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
  }

  @Test func objectsWithTheSameLabelsShareASeries() {
    let registry = registry()
    let labels = [("channel", "a"), ("type", "MESSAGE"), ("status", "SUCCESS")]
    Counter(label: "broadcast_processed_count", dimensions: labels, factory: registry)
      .increment(by: 2)
    Counter(
      label: "broadcast_processed_count", dimensions: labels.reversed(), factory: registry
    ).increment(by: 3)
    #expect(
      samples(registry) == [
        "broadcast_processed_count{channel=\"a\",status=\"SUCCESS\",type=\"MESSAGE\"} 5"
      ])
    #expect(log.text.isEmpty)
  }

  @Test func nothingIsShownBeforeItIsRecorded() {
    let registry = registry()
    let counter = Counter(label: "deliver_streams_opened", factory: registry)
    let gauge = Gauge(label: "cluster_comm_ingress_stream_count", factory: registry)
    let timer = Timer(
      label: "ledger_blockstorage_commit_time", dimensions: [("channel", "a")], factory: registry)
    #expect(samples(registry) == [])
    counter.increment(by: 0)
    gauge.record(0)
    #expect(
      samples(registry) == ["cluster_comm_ingress_stream_count 0", "deliver_streams_opened 0"])
    timer.recordSeconds(1)
    #expect(samples(registry).count == 2 + 8 + 2)
  }

  @Test func timersRecordSeconds() throws {
    let registry = registry()
    let timer = Timer(
      label: "blockcutter_block_fill_duration", dimensions: [("channel", "a")], factory: registry)
    timer.recordMilliseconds(20)
    timer.recordMilliseconds(25)
    timer.recordMicroseconds(100)
    timer.recordSeconds(60)
    let lines = samples(registry)
    let prefix = "blockcutter_block_fill_duration"
    #expect(lines.contains("\(prefix)_bucket{channel=\"a\",le=\"0.005\"} 1"))
    #expect(lines.contains("\(prefix)_bucket{channel=\"a\",le=\"0.01\"} 1"))
    // A bound belongs to its bucket.
    #expect(lines.contains("\(prefix)_bucket{channel=\"a\",le=\"0.025\"} 3"))
    #expect(lines.contains("\(prefix)_bucket{channel=\"a\",le=\"10\"} 3"))
    #expect(lines.contains("\(prefix)_bucket{channel=\"a\",le=\"+Inf\"} 4"))
    #expect(lines.contains("\(prefix)_count{channel=\"a\"} 4"))
    let sum = try #require(lines.first { $0.hasPrefix("\(prefix)_sum{") })
    #expect(abs((Double(try #require(sum.split(separator: " ").last)) ?? 0) - 60.0451) < 1e-9)
  }

  @Test func recordersOfAHistogramRecordItsUnit() {
    let registry = registry()
    let recorder = Recorder(
      label: "broadcast_validate_duration",
      dimensions: [("channel", "a"), ("type", "t"), ("status", "s")], factory: registry)
    recorder.record(0.2)
    recorder.record(3)
    recorder.record(Double.nan)
    #expect(
      samples(registry).contains(
        "broadcast_validate_duration_sum{channel=\"a\",status=\"s\",type=\"t\"} 3.2"))
  }

  @Test func gaugesAreSetAndMoved() {
    let registry = registry()
    let meter = Meter(
      label: "consensus_etcdraft_cluster_size", dimensions: [("channel", "a")], factory: registry)
    meter.set(5)
    meter.increment()
    meter.decrement(by: 2.5)
    Gauge(label: "ledger_blockchain_height", dimensions: [("channel", "a")], factory: registry)
      .record(17)
    Recorder(
      label: "ledger_blockchain_height", dimensions: [("channel", "b")], aggregate: true,
      factory: registry
    ).record(18)
    #expect(
      samples(registry) == [
        "consensus_etcdraft_cluster_size{channel=\"a\"} 3.5",
        "ledger_blockchain_height{channel=\"a\"} 17", "ledger_blockchain_height{channel=\"b\"} 18",
      ])
  }

  @Test func countersOnlyGoUp() {
    let registry = registry()
    let counter = Counter(label: "deliver_streams_closed", factory: registry)
    counter.increment(by: 5)
    counter.increment(by: -3)
    let fraction = FloatingPointCounter(label: "deliver_streams_closed", factory: registry)
    fraction.increment(by: 0.5)
    fraction.increment(by: -7)
    fraction.increment(by: Double.infinity)
    #expect(samples(registry) == ["deliver_streams_closed 5.5"])
    counter.reset()
    #expect(samples(registry) == ["deliver_streams_closed 0"])
  }

  @Test func aMetricOfAnotherKindIsNotRecordedAndTheLogSaysSoOnce() {
    let registry = registry()
    for _ in 0..<3 {
      Counter(
        label: "ledger_blockchain_height", dimensions: [("channel", "a")], factory: registry
      ).increment()
    }
    Timer(label: "deliver_streams_opened", factory: registry).recordSeconds(1)
    #expect(samples(registry) == [])
    #expect(
      log.text.split(separator: "\n").filter { $0.contains("ledger_blockchain_height") } == [
        """
        warning The metric ledger_blockchain_height is a gauge and not a counter; what is recorded \
        as such is lost
        """
      ])
  }

  @Test func missingLabelsAreUnknownAndTheLogSaysSoOnce() {
    let registry = registry()
    for _ in 0..<2 {
      Counter(
        label: "deliver_blocks_sent", dimensions: [("channel", "a"), ("color", "red")],
        factory: registry
      ).increment()
    }
    #expect(
      samples(registry) == [
        "deliver_blocks_sent{channel=\"a\",data_type=\"unknown\",filtered=\"unknown\"} 2"
      ])
    #expect(log.text.split(separator: "\n").count == 1)
  }

  @Test func metricsThatAreNotCataloguedAreShownWithValidNames() {
    let registry = registry()
    Counter(
      label: "my.metric-1", dimensions: [("a b", "1"), ("le", "2"), ("9", "3")], factory: registry
    ).increment()
    Recorder(label: "sizes", factory: registry).record(0.1)
    Gauge(label: "level", factory: registry).record(7)
    let lines = samples(registry)
    #expect(lines.contains("my_metric_1{_9=\"3\",a_b=\"1\",exported_le=\"2\"} 1"))
    #expect(lines.contains("sizes_bucket{le=\"0.1\"} 1"))
    #expect(lines.contains("level 7"))
    #expect(log.text.isEmpty)
  }

  @Test func metricsThatAreNotCataloguedAreBounded() {
    var limits = MetricRegistry.Limits()
    limits.uncataloguedMetrics = 3
    let registry = registry(limits)
    for number in 0..<10 { Counter(label: "other_\(number)", factory: registry).increment() }
    #expect(samples(registry).count == 3)
    #expect(log.text.split(separator: "\n").count == 1)
  }

  @Test func seriesOfAMetricAreBoundedWithOneWarning() {
    var limits = MetricRegistry.Limits()
    limits.seriesPerMetric = 10
    let registry = registry(limits)
    func height(_ number: Int) -> Gauge {
      Gauge(
        label: "ledger_blockchain_height", dimensions: [("channel", "c\(number)")],
        factory: registry)
    }
    for number in 0..<100 { height(number).record(number) }
    #expect(samples(registry).count == 10)
    #expect(log.text.split(separator: "\n").count == 1)
    #expect(log.text.contains("ledger_blockchain_height has 10 series"))
    // Those that are there go on, and room that becomes free is used.
    height(3).record(33)
    registry.removeSeries(label: "channel", value: "c4")
    height(50).record(50)
    let lines = samples(registry)
    #expect(lines.contains("ledger_blockchain_height{channel=\"c3\"} 33"))
    #expect(lines.contains("ledger_blockchain_height{channel=\"c50\"} 50"))
    #expect(lines.count == 10)
  }

  @Test func seriesOfAllMetricsAreBounded() {
    var limits = MetricRegistry.Limits()
    limits.seriesInAll = 5
    let registry = registry(limits)
    for level in 0..<4 {
      for name in ["logging_entries_checked", "logging_entries_written"] {
        Counter(label: name, dimensions: [("level", "\(level)")], factory: registry).increment()
      }
    }
    #expect(samples(registry).count == 5)
  }

  @Test func longLabelValuesAreCutAtACharacter() {
    var limits = MetricRegistry.Limits()
    limits.labelValueBytes = 4
    let registry = registry(limits)
    Gauge(label: "fabric_version", dimensions: [("version", "abcöd")], factory: registry).record(1)
    Gauge(label: "fabric_version", dimensions: [("version", "abö")], factory: registry).record(1)
    #expect(
      samples(registry) == [
        "fabric_version{version=\"abc\"} 1", "fabric_version{version=\"abö\"} 1",
      ])
  }

  @Test func whatIsDestroyedIsGone() {
    let registry = registry()
    let counter = Counter(label: "deliver_streams_opened", factory: registry)
    let gauge = Gauge(
      label: "ledger_blockchain_height", dimensions: [("channel", "a")], factory: registry)
    let timer = Timer(
      label: "ledger_blockstorage_commit_time", dimensions: [("channel", "a")], factory: registry)
    counter.increment()
    gauge.record(1)
    timer.recordSeconds(1)
    counter.destroy()
    gauge.destroy()
    timer.destroy()
    #expect(samples(registry) == [])
    // A stale object neither writes nor takes its successor away.
    Counter(label: "deliver_streams_opened", factory: registry).increment()
    counter.increment(by: 10)
    counter.destroy()
    #expect(samples(registry) == ["deliver_streams_opened 1"])
  }

  @Test func theSeriesOfAChannelGoTogether() {
    let registry = registry()
    for channel in ["a", "b"] {
      Gauge(
        label: "ledger_blockchain_height", dimensions: [("channel", channel)], factory: registry
      )
      .record(1)
      for status in ["SUCCESS", "FORBIDDEN"] {
        Counter(
          label: "broadcast_processed_count",
          dimensions: [("channel", channel), ("type", "MESSAGE"), ("status", status)],
          factory: registry
        ).increment()
      }
    }
    Counter(label: "deliver_streams_opened", factory: registry).increment()
    registry.removeSeries(label: "channel", value: "a")
    #expect(samples(registry).count == 4)
    #expect(samples(registry).allSatisfy { !$0.contains("\"a\"") })
  }

  @Test func concurrentRecordingLosesNothing() async {
    let registry = registry()
    let labels = [("channel", "a")]
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let counter = Counter(label: "deliver_streams_opened", factory: registry)
          let fraction = FloatingPointCounter(label: "deliver_streams_opened", factory: registry)
          let recorder = Recorder(
            label: "ledger_blockstorage_commit_time", dimensions: labels, factory: registry)
          let meter = Meter(
            label: "cluster_comm_ingress_stream_count", factory: registry)
          for _ in 0..<5_000 {
            counter.increment()
            fraction.increment(by: 0.25)
            recorder.record(0.5)
            meter.increment()
          }
          _ = registry.renderPrometheus()
        }
      }
    }
    let lines = samples(registry)
    #expect(lines.contains("deliver_streams_opened 50000"))
    #expect(lines.contains("cluster_comm_ingress_stream_count 40000"))
    #expect(lines.contains("ledger_blockstorage_commit_time_count{channel=\"a\"} 40000"))
    #expect(lines.contains("ledger_blockstorage_commit_time_sum{channel=\"a\"} 20000"))
  }
}
