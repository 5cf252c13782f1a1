// How long batches take to fill.

import Concurrency
import Metrics
import MetricsTestKit
import Testing

@testable import Ordering

@Suite struct BatchFillMeterTests {
  private let metrics = TestMetrics()
  private let time = ManualTime()

  private func makeMeter() -> BatchFillMeter {
    BatchFillMeter(ChannelMetrics(channelID: "ch", factory: metrics), time: time)
  }

  /// Milliseconds.
  private var fills: [Int64] {
    get throws {
      try metrics.expectTimer("blockcutter_block_fill_duration", [("channel", "ch")])
        .values.map { $0 / 1_000_000 }
    }
  }

  @Test func aBatchFillsFromItsFirstMessageToItsCut() throws {
    var meter = makeMeter()
    meter.note(cuts: 0, isPending: true)
    time.advance(by: .milliseconds(20))
    meter.note(cuts: 0, isPending: true)
    time.advance(by: .milliseconds(5))
    meter.note(cuts: 1, isPending: false)
    #expect(try fills == [25])
  }

  @Test func whatIsCutAtOnceTookNoTime() throws {
    var meter = makeMeter()
    meter.note(cuts: 1, isPending: false)
    #expect(try fills == [0])
  }

  @Test func aMessageThatOverflowsABatchBeginsTheNextOne() throws {
    var meter = makeMeter()
    meter.note(cuts: 0, isPending: true)
    time.advance(by: .milliseconds(50))
    meter.note(cuts: 1, isPending: true)
    time.advance(by: .milliseconds(3))
    meter.note(cuts: 1, isPending: false)
    #expect(try fills == [50, 3])
  }

  @Test func anOversizedMessageBehindABatchTookNoTime() throws {
    var meter = makeMeter()
    meter.note(cuts: 0, isPending: true)
    time.advance(by: .milliseconds(5))
    meter.note(cuts: 2, isPending: false)
    #expect(try fills == [5, 0])
  }
}
