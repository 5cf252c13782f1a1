// How a pull tells how it gets on.

import Testing

@testable import Followers

@Suite struct PullProgressTests {
  private let start = ContinuousClock.Instant.now

  @Test func heightTargetSpeedAndTimeLeftAreTold() {
    var progress = PullProgress(height: 100, now: start)
    #expect(progress.report(height: 300, target: 1_000, now: start + .seconds(9)) == nil)
    #expect(
      progress.report(height: 300, target: 1_000, now: start + .seconds(10))
        == "height 300 of 1000, 20 blocks/s, about 35 s left")
    #expect(progress.report(height: 310, target: 1_000, now: start + .seconds(11)) == nil)
    #expect(progress.report(height: 1_000, target: 1_000, now: start + .seconds(20)) != nil)
  }

  @Test func nothingIsMadeUp() {
    let progress = PullProgress(height: 5, now: start)
    #expect(progress.text(height: 5, target: 9, now: start + .seconds(3)) == "height 5 of 9")
    #expect(progress.text(height: 9, target: 9, now: start) == "height 9 of 9")
    #expect(
      progress.text(height: 6, target: .max, now: start + .seconds(1_000))
        == "height 6 of \(UInt64.max), 0 blocks/s, about 1000000000 s left")
  }
}
