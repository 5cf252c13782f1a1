// The batch timer of cores, and how long batches take to fill.

import Metrics
import MetricsTestKit
import Testing

@testable import Ordering

@Suite struct BatchTimerTests {
  @Test func onlyTheTimerThatRunsCanExpireAndOnlyOnce() {
    var timer = BatchTimer()
    let first = timer.start()
    let isRunning = timer.isRunning
    let expiries = [timer.expire(first), timer.expire(first)]
    #expect(isRunning)
    #expect(expiries == [true, false])
    #expect(!timer.isRunning)
  }

  @Test func aTimerThatWasStoppedOrReplacedDoesNotExpire() {
    var timer = BatchTimer()
    let stops = [timer.stop()]
    let first = timer.start()
    let laterStops = [timer.stop(), timer.stop()]
    let second = timer.start()
    let third = timer.start()
    let expiries = [timer.expire(first), timer.expire(second), timer.expire(third)]
    #expect(stops + laterStops == [false, true, false])
    #expect(expiries == [false, false, true])
  }
}

@Suite struct ChannelMetricsTests {
  private let metrics = TestMetrics()
  private var channel: ChannelMetrics { ChannelMetrics(channelID: "ch", factory: metrics) }

  private var fills: [Int64] {
    get throws {
      try metrics.expectTimer("blockcutter_block_fill_duration", [("channel", "ch")]).values
    }
  }

  @Test func aBatchFillsFromItsFirstMessageToItsCut() async throws {
    var meter = BatchFillMeter(channel)
    meter.note(cuts: 0, isPending: true)
    try await Task.sleep(for: .milliseconds(20))
    meter.note(cuts: 0, isPending: true)
    meter.note(cuts: 1, isPending: false)
    #expect(try fills.count == 1)
    #expect(try fills[0] >= 20_000_000)
  }

  @Test func whatIsCutAtOnceTookNoTime() throws {
    var meter = BatchFillMeter(channel)
    meter.note(cuts: 1, isPending: false)
    #expect(try fills == [0])
  }

  @Test func aMessageThatOverflowsABatchBeginsTheNextOne() async throws {
    var meter = BatchFillMeter(channel)
    meter.note(cuts: 0, isPending: true)
    try await Task.sleep(for: .milliseconds(50))
    meter.note(cuts: 1, isPending: true)
    meter.note(cuts: 1, isPending: false)
    #expect(try fills.count == 2)
    #expect(try fills[0] >= 50_000_000)
    #expect(try fills[1] < fills[0])
  }

  @Test func anOversizedMessageBehindABatchTookNoTime() async throws {
    var meter = BatchFillMeter(channel)
    meter.note(cuts: 0, isPending: true)
    try await Task.sleep(for: .milliseconds(5))
    meter.note(cuts: 2, isPending: false)
    #expect(try fills.count == 2)
    #expect(try fills[0] >= 5_000_000)
    #expect(try fills[1] == 0)
  }

  @Test func blocksThatShareACommitAreCountedOneByOne() throws {
    channel.committed(blocks: 3, in: .milliseconds(7))
    let timer = try metrics.expectTimer("ledger_blockstorage_commit_time", [("channel", "ch")])
    #expect(timer.values == [7_000_000, 7_000_000, 7_000_000])
  }

  @Test func droppedMessagesAreCountedByReason() throws {
    channel.dropped(.invalidated)
    channel.dropped(.invalidated)
    channel.dropped(.tooLarge)
    func count(_ reason: String) -> Int64 {
      metrics.counterTotal(
        label: "heddle_orderer_messages_dropped_count",
        dimensions: [("channel", "ch"), ("reason", reason)])
    }
    #expect(count("invalidated") == 2)
    #expect(count("too_large") == 1)
  }

  @Test func withoutABackendNothingIsMeasured() {
    #expect(!ChannelMetrics(channelID: "ch", factory: NOOPMetricsHandler.instance).isRecording)
    #expect(channel.isRecording)
  }
}
