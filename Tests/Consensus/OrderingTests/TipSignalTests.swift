// The end of a chain, as its readers learn of it.

import Testing

@testable import Ordering

@Suite struct TipSignalTests {
  /// Begins a wait, and returns once it has begun.
  private func reader(
    of tip: TipSignal, beyond height: UInt64, heedsErrors: Bool = true
  ) async -> Task<TipSignal.Event, Never> {
    let before = tip.state.waiterCount
    let reader = Task { await tip.wait(beyond: height, heedsErrors: heedsErrors) }
    while tip.state.waiterCount == before { await Task.yield() }
    return reader
  }

  @Test func readersAreWokenWhenTheChainGrowsPastThem() async {
    let tip = TipSignal(height: 5)
    #expect(await tip.wait(beyond: 4, heedsErrors: true) == .grown)
    let near = await reader(of: tip, beyond: 5)
    let far = await reader(of: tip, beyond: 6)
    tip.grow(to: 6)
    #expect(await near.value == .grown)
    #expect(tip.state.waiterCount == 1)
    tip.grow(to: 7)
    #expect(await far.value == .grown)
  }

  @Test func theHeightNeverShrinks() {
    let tip = TipSignal(height: 5)
    tip.grow(to: 4)
    #expect(tip.height == 5)
  }

  @Test func anErrorWakesThoseWhoHeedIt() async {
    let tip = TipSignal(height: 1)
    let strict = await reader(of: tip, beyond: 1)
    let bestEffort = await reader(of: tip, beyond: 1, heedsErrors: false)
    tip.fail("disk")
    #expect(await strict.value == .errored("disk"))
    #expect(tip.error == "disk")
    #expect(tip.failure == "disk")
    tip.grow(to: 2)
    #expect(await bestEffort.value == .grown)
    #expect(await tip.wait(beyond: 1, heedsErrors: true) == .errored("disk"))
  }

  @Test func anEndIsToldToAllOnceTheyHaveAllBlocks() async {
    let tip = TipSignal(height: 2)
    tip.fail("disk")
    let patient = await reader(of: tip, beyond: 2, heedsErrors: false)
    tip.end("the channel was removed")
    #expect(await patient.value == .errored("the channel was removed"))
    #expect(await tip.wait(beyond: 1, heedsErrors: false) == .grown)
    tip.recover()
    tip.fail("another reason")
    tip.end("another reason")
    #expect(await tip.wait(beyond: 2, heedsErrors: false) == .errored("the channel was removed"))
    #expect(tip.failure == "the channel was removed")
  }

  @Test func anErrorThatPassesWakesReadersThatHeedIt() async {
    let tip = TipSignal(height: 1)
    let heeding = await reader(of: tip, beyond: 1)
    let patient = await reader(of: tip, beyond: 1, heedsErrors: false)
    tip.suspend("no brokers")
    #expect(tip.error == "no brokers")
    #expect(tip.failure == nil)
    #expect(await heeding.value == .errored("no brokers"))
    #expect(await tip.wait(beyond: 1, heedsErrors: true) == .errored("no brokers"))
    tip.recover()
    #expect(tip.error == nil)
    tip.grow(to: 2)
    #expect(await patient.value == .grown)
    #expect(await tip.wait(beyond: 1, heedsErrors: true) == .grown)
  }

  @Test func aSuspensionTellsItsNewestReason() {
    let tip = TipSignal(height: 1)
    tip.suspend("no brokers")
    tip.suspend("too few replicas")
    #expect(tip.error == "too few replicas")
  }

  @Test func aFailureIsFinal() {
    let tip = TipSignal(height: 1)
    tip.suspend("no brokers")
    tip.fail("the ledger is gone")
    tip.recover()
    #expect(tip.error == "the ledger is gone")
    tip.fail("another reason")
    tip.suspend("no brokers")
    #expect(tip.error == "the ledger is gone")
    #expect(tip.failure == "the ledger is gone")
  }

  @Test func cancellationEndsAWait() async {
    let tip = TipSignal(height: 1)
    let waiting = await reader(of: tip, beyond: 1)
    waiting.cancel()
    #expect(await waiting.value == .cancelled)
    #expect(tip.state.waiterCount == 0)
  }
}
