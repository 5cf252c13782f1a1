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

@Suite struct TipSignalTests {
  @Test func readersAreWokenWhenTheChainGrowsPastThem() async {
    let tip = TipSignal(height: 5)
    #expect(await tip.wait(beyond: 4, heedsErrors: true) == .grown)
    let near = Task { await tip.wait(beyond: 5, heedsErrors: true) }
    let far = Task { await tip.wait(beyond: 6, heedsErrors: true) }
    try? await Task.sleep(for: .milliseconds(20))
    tip.grow(to: 6)
    #expect(await near.value == .grown)
    tip.grow(to: 7)
    #expect(await far.value == .grown)
  }

  @Test func anErrorWakesThoseWhoHeedIt() async {
    let tip = TipSignal(height: 1)
    let strict = Task { await tip.wait(beyond: 1, heedsErrors: true) }
    let bestEffort = Task { await tip.wait(beyond: 1, heedsErrors: false) }
    try? await Task.sleep(for: .milliseconds(20))
    tip.fail("disk")
    #expect(await strict.value == .errored("disk"))
    #expect(tip.error == "disk")
    tip.grow(to: 2)
    #expect(await bestEffort.value == .grown)
  }

  @Test func cancellationEndsAWait() async {
    let tip = TipSignal(height: 1)
    let reader = Task { await tip.wait(beyond: 1, heedsErrors: true) }
    try? await Task.sleep(for: .milliseconds(20))
    reader.cancel()
    #expect(await reader.value == .cancelled)
  }
}
