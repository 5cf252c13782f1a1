// The batch timer of cores.

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
