// A reader at the end of a chain, whose certificate does not last for ever.

import Concurrency
import Foundation
import Ordering
import Testing

@testable import AtomicBroadcast

@Suite struct TipWaitTests {
  private static let today = Date(timeIntervalSince1970: 1_767_225_600)
  private let time = ManualTime()
  private let tip = TipSignal(height: 3)

  private var wait: TipWait {
    TipWait(tip: tip, clock: DeliverClock(now: { Self.today }, time: time))
  }

  @Test func theNextBlockEndsIt() async {
    async let event = wait.wait(beyond: 3, heedsErrors: true, until: Self.today + 60)
    await time.waitForSleepers(1)
    tip.grow(to: 4)
    #expect(await event == .grown)
  }

  @Test func soDoesAnErrorForThoseWhoHeedIt() async {
    async let event = wait.wait(beyond: 3, heedsErrors: true, until: Self.today + 60)
    await time.waitForSleepers(1)
    tip.fail("test")
    #expect(await event == .errored("test"))
  }

  @Test func theExpiryEndsItAMomentLater() async {
    async let event = wait.wait(beyond: 3, heedsErrors: false, until: Self.today + 60)
    await time.waitForSleepers(1)
    #expect(time.nextAlarm == time.now + .seconds(60.01))
    time.advance(by: .seconds(61))
    #expect(await event == .expired)
  }

  @Test func anExpiryThatHasPassedIsNotWaitedForLong() async {
    async let event = wait.wait(beyond: 3, heedsErrors: true, until: Self.today - 60)
    await time.waitForSleepers(1)
    time.advance(by: .seconds(1))
    #expect(await event == .expired)
  }

  @Test func anExpiryFarAwayNeedsNoTimer() async {
    let event = Task {
      await wait.wait(beyond: 3, heedsErrors: true, until: Self.today + TipWait.expiryHorizon)
    }
    tip.grow(to: 4)
    #expect(await event.value == .grown)
    #expect(time.nextAlarm == nil)
  }

  @Test func aCancelledReaderIsNotTakenForAnExpiredOne() async {
    for expiry in [nil, Self.today + 60] {
      let event = Task { await wait.wait(beyond: 3, heedsErrors: true, until: expiry) }
      event.cancel()
      #expect(await event.value == .cancelled)
    }
  }
}
