// What descriptions contain, and the metrics made from them.

import Metrics
import MetricsTestKit
import Testing

@testable import MetricDescriptions

@Suite struct MetricDescriptionTests {
  @Test func bothNamesAreMadeOfTheSameParts() {
    let metric = MetricDescription.counter(
      "broadcast.processed_count", labels: ["channel", "status"], "Transactions.")
    #expect(metric.name == "broadcast_processed_count")
    #expect(metric.statsdFormat == "broadcast.processed_count.%{channel}.%{status}")
    #expect(metric.kind == .counter)
    #expect(MetricDescription.gauge("fabric_version", "A.").statsdFormat == "fabric_version")
  }

  @Test func onlyHistogramsHaveBucketsAndNotTooMany() {
    #expect(MetricDescription.counter("a", "A.").buckets.isEmpty)
    #expect(MetricDescription.gauge("a", "A.").buckets.isEmpty)
    #expect(MetricDescription.histogram("a", "A.").buckets == MetricDescription.defaultBuckets)
    let many = MetricDescription.histogram("a", "A.", buckets: (0..<100).map(Double.init))
    #expect(many.buckets.count == MetricDescription.maximumBuckets)
  }

  @Test func valuesBelongToTheLabelsInTheOrderOfTheDescription() throws {
    let factory = TestMetrics()
    let labels = ["channel", "type"]
    factory.counter(.counter("a.b", labels: labels, "A."), "c", "t").increment(by: 2)
    factory.gauge(.gauge("a.c", labels: labels, "A."), "c", "t").record(3)
    factory.timer(.histogram("a.d", labels: labels, "A."), "c", "t").recordNanoseconds(4)
    let dimensions = [("channel", "c"), ("type", "t")]
    #expect(try factory.expectCounter("a_b", dimensions).values == [2])
    #expect(try factory.expectGauge("a_c", dimensions).lastValue == 3)
    #expect(try factory.expectTimer("a_d", dimensions).values == [4])
  }

  @Test func nobodyLooksAtWhatIsNotKept() {
    #expect(TestMetrics().isRecording)
    #expect(!NOOPMetricsHandler.instance.isRecording)
  }
}
