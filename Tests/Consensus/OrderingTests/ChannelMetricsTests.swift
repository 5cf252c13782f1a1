// The metrics of a channel's ordering and ledger.

import Metrics
import MetricsTestKit
import Testing

@testable import Ordering

@Suite struct ChannelMetricsTests {
  private let metrics = TestMetrics()
  private var channel: ChannelMetrics { ChannelMetrics(channelID: "ch", factory: metrics) }

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
