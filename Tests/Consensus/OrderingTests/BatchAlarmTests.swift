// The clock beside the batch timer of a core.

import Concurrency
import Testing

@testable import Ordering

@Suite struct BatchAlarmTests {
  private let time = ManualTime()
  private let woken = WakeUp()
  private var alarm: BatchAlarm { BatchAlarm(time: time) { [woken] in woken.set() } }

  @Test func itWakesTheTaskWhenTheTimeIsOverAndTellsWhichTimerItWas() async {
    var alarm = alarm
    alarm.start(7, for: .seconds(2))
    await time.waitForSleepers(1)
    time.advance(by: .milliseconds(1_999))
    let early = alarm.takeExpired()
    time.advance(by: .milliseconds(1))
    await woken.wait()
    let expiries = [alarm.takeExpired(), alarm.takeExpired()]
    #expect(early == nil)
    #expect(expiries == [7, nil])
  }

  @Test func aTimerThatWasStoppedOrReplacedNeverExpires() {
    var alarm = alarm
    alarm.start(1, for: .seconds(1))
    alarm.start(2, for: .seconds(2))
    time.advance(by: .seconds(1))
    let replaced = alarm.takeExpired()
    time.advance(by: .seconds(1))
    let second = alarm.takeExpired()
    alarm.start(3, for: .seconds(1))
    alarm.stop()
    time.advance(by: .seconds(1))
    let stopped = alarm.takeExpired()
    #expect(replaced == nil)
    #expect(second == 2)
    #expect(stopped == nil)
  }
}
