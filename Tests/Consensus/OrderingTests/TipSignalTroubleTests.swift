// The end of a chain, as its readers learn of it.

import Testing

@testable import Ordering

@Suite(.timeLimit(.minutes(1))) struct TipSignalTroubleTests {
  @Test func anErrorThatPassesWakesReadersThatHeedIt() async {
    let tip = TipSignal(height: 1)
    async let heeding = tip.wait(beyond: 1, heedsErrors: true)
    async let patient = tip.wait(beyond: 1, heedsErrors: false)
    try? await Task.sleep(for: .milliseconds(50))
    tip.suspend("no brokers")
    #expect(tip.error == "no brokers")
    #expect(await heeding == .errored("no brokers"))
    #expect(await tip.wait(beyond: 1, heedsErrors: true) == .errored("no brokers"))
    tip.recover()
    #expect(tip.error == nil)
    tip.grow(to: 2)
    #expect(await patient == .grown)
    #expect(await tip.wait(beyond: 1, heedsErrors: true) == .grown)
  }

  @Test func aFailureIsFinal() async {
    let tip = TipSignal(height: 1)
    tip.suspend("no brokers")
    tip.fail("the ledger is gone")
    tip.recover()
    #expect(tip.error == "the ledger is gone")
    tip.fail("another reason")
    tip.suspend("no brokers")
    #expect(tip.error == "the ledger is gone")
  }
}
