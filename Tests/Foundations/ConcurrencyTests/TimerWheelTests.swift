// Timers that share one sleeping task.

import Synchronization
import Testing

@testable import Concurrency

@Suite struct TimerWheelTests {
  private let time = ManualTime()
  private let gone = Watched<[String]>([])

  private func wheel() -> TimerWheel { TimerWheel(on: time, slots: .milliseconds(100)) }

  private func note(_ name: String) -> @Sendable () -> Void {
    { [gone] in gone.change { $0.append(name) } }
  }

  private func after(_ milliseconds: Int) -> TimerWheel.Instant {
    time.now + .milliseconds(milliseconds)
  }

  @Test func whatIsDueInOneSlotGoesOffTogetherAndInOrder() async {
    let wheel = wheel()
    wheel.set(at: after(101), note("b"))
    wheel.set(at: after(200), note("c"))
    wheel.set(at: after(201), note("d"))
    wheel.set(at: after(150), note("e"))
    wheel.set(at: after(99), note("a"))
    // One sleeps, whichever was first; the others were replaced.
    while time.nextAlarm != after(100) { await time.waitForSleepers(1) }
    time.advance(by: .milliseconds(100))
    await gone.wait { $0 == ["a"] ? () : nil }
    await time.waitForSleepers(1)
    #expect(time.nextAlarm == after(100))
    time.advance(by: .milliseconds(100))
    await gone.wait { $0 == ["a", "b", "c", "e"] ? () : nil }
    await time.waitForSleepers(1)
    time.advance(by: .milliseconds(100))
    await gone.wait { $0.last == "d" ? () : nil }
  }

  @Test func aTimerThatIsCancelledDoesNotGoOffAndTheLastLeavesNobodyAsleep() async {
    let wheel = wheel()
    let first = wheel.set(at: after(10), note("a"))
    let second = wheel.set(at: after(20), note("b"))
    await time.waitForSleepers(1)
    wheel.cancel(first)
    wheel.cancel(first)
    time.advance(by: .milliseconds(100))
    await gone.wait { $0 == ["b"] ? () : nil }
    wheel.cancel(second)
    let third = wheel.set(at: after(10), note("c"))
    await time.waitForSleepers(1)
    wheel.cancel(third)
    while time.nextAlarm != nil { await Task.yield() }
    #expect(gone.read { $0 } == ["b"])
  }

  @Test func aTimeThatHasPassedIsDueAtOnceAndALateWheelMissesNothing() async {
    let wheel = wheel()
    time.advance(by: .seconds(10))
    wheel.set(at: after(-5_000), note("a"))
    await gone.wait { $0 == ["a"] ? () : nil }
    for slot in 1...5 { wheel.set(at: after(slot * 100), note("\(slot)")) }
    await time.waitForSleepers(1)
    time.advance(by: .seconds(60))
    await gone.wait { $0 == ["a", "1", "2", "3", "4", "5"] ? () : nil }
  }

  @Test func anActionMaySetTheNextTimer() async {
    let wheel = wheel()
    let ticks = Watched(0)
    @Sendable func tick(at instant: TimerWheel.Instant) {
      wheel.set(at: instant) {
        ticks.change { $0 += 1 }
        if ticks.read({ $0 }) < 3 { tick(at: instant + .milliseconds(100)) }
      }
    }
    tick(at: after(100))
    for count in 1...3 {
      await time.waitForSleepers(1)
      time.advance(by: .milliseconds(100))
      await ticks.wait { $0 == count ? () : nil }
    }
    #expect(time.nextAlarm == nil)
  }
}
