// Waiting for a state: nothing is missed, nobody waits for ever, and time is the test's.

import Concurrency
import Testing

@Suite struct WatchedTests {
  let time = ManualTime()

  @Test func `what holds already is not waited for`() async {
    let watched = Watched(5)
    #expect(await watched.wait { $0 == 5 ? "yes" : nil } == "yes")
    #expect(watched.waiterCount == 0)
  }

  @Test func `a change wakes those whose condition has come true, and no others`() async {
    let watched = Watched(0)
    let first = Task { await watched.wait { $0 >= 1 ? $0 : nil } }
    let second = Task { await watched.wait { $0 >= 2 ? $0 : nil } }
    while watched.waiterCount < 2 { await Task.yield() }
    watched.change { $0 = 1 }
    #expect(await first.value == 1)
    #expect(watched.waiterCount == 1)
    watched.change { $0 = 2 }
    #expect(await second.value == 2)
  }

  @Test func `what one waiter takes another one does not get`() async {
    let watched = Watched(0)
    let takers = (0..<10).map { _ in
      Task {
        await watched.wait { tokens -> Bool? in
          guard tokens > 0 else { return nil }
          tokens -= 1
          return true
        }
      }
    }
    while watched.waiterCount < 10 { await Task.yield() }
    watched.change { $0 += 4 }
    #expect(watched.waiterCount == 6)
    #expect(watched.read { $0 } == 0)
    watched.change { $0 += 6 }
    for taker in takers { #expect(await taker.value) }
  }

  @Test func `a waiter that changes the state as it wakes wakes others, whoever came first`() async
  {
    let watched = Watched(0)
    let last = Task { await watched.wait { $0 == 2 ? () : nil } }
    while watched.waiterCount < 1 { await Task.yield() }
    let middle = Task {
      await watched.wait { state -> Void? in
        guard state == 1 else { return nil }
        state = 2
        return ()
      }
    }
    while watched.waiterCount < 2 { await Task.yield() }
    watched.change { $0 = 1 }
    await middle.value
    await last.value
  }

  @Test func `a deadline ends the wait`() async {
    let watched = Watched(false)
    let deadline = time.now + .seconds(3)
    let waiter = Task { [time] in
      await watched.wait(until: deadline, on: time) { $0 ? true : nil }
    }
    await time.waitForSleepers(1)
    time.advance(by: .seconds(2))
    #expect(watched.waiterCount == 1)
    time.advance(by: .seconds(1))
    #expect(await waiter.value == nil)
    #expect(watched.waiterCount == 0)
  }

  @Test func `a deadline that is over before the wait begins ends it`() async {
    let watched = Watched(false)
    #expect(await watched.wait(until: time.now, on: time) { $0 ? true : nil } == nil)
    #expect(await watched.wait(until: time.now, on: time) { $0 ? nil : true } == true)
  }

  @Test func `a wait that ends in time leaves no alarm behind`() async {
    let watched = Watched(false)
    let waiter = Task { [time] in
      await watched.wait(until: time.now + .seconds(3), on: time) { $0 ? true : nil }
    }
    await time.waitForSleepers(1)
    watched.change { $0 = true }
    #expect(await waiter.value == true)
    while time.nextAlarm != nil { await Task.yield() }
  }

  @Test func `cancellation ends the wait, also if it comes first`() async {
    let watched = Watched(false)
    let waiter = Task { await watched.waitUnlessCancelled { $0 ? true : nil } }
    while watched.waiterCount < 1 { await Task.yield() }
    waiter.cancel()
    #expect(await waiter.value == nil)
    let cancelled = Task {
      while !Task.isCancelled { await Task.yield() }
      return await watched.waitUnlessCancelled { $0 ? true : nil }
    }
    cancelled.cancel()
    #expect(await cancelled.value == nil)
    #expect(watched.waiterCount == 0)
  }

  @Test func `waits, deadlines and cancellations at the same moment end every wait once`() async {
    // A wait that ended twice would crash; one that never ends would hang.
    for round in 0..<2_000 {
      let watched = Watched(false)
      let waiter = Task { [time] in
        await watched.wait(until: time.now + .seconds(1), on: time) { $0 ? true : nil }
      }
      await withTaskGroup(of: Void.self) { group in
        group.addTask { watched.change { $0 = true } }
        group.addTask { [time] in time.advance(by: .seconds(2)) }
        if round % 2 == 0 { group.addTask { waiter.cancel() } }
      }
      _ = await waiter.value
      #expect(watched.waiterCount == 0)
    }
  }
}

@Suite struct WakeUpTests {
  @Test func `a signal that comes before the wait is kept, and many make one`() async {
    let wakeUp = WakeUp()
    for _ in 0..<3 { wakeUp.set() }
    await wakeUp.wait()
    let time = ManualTime()
    #expect(await wakeUp.wait(until: time.now, on: time) == false)
  }

  @Test func `no signal is lost between two tasks`() async {
    let ping = WakeUp()
    let pong = WakeUp()
    let other = Task {
      for _ in 0..<10_000 {
        await ping.wait()
        pong.set()
      }
    }
    for _ in 0..<10_000 {
      ping.set()
      await pong.wait()
    }
    await other.value
  }
}

@Suite struct TimeTests {
  @Test func `sleepers wake in the order of their time`() async {
    let time = ManualTime()
    let woken = Watched([Int]())
    let sleepers = [3, 1, 2].map { seconds in
      Task {
        try await time.sleep(for: .seconds(seconds))
        woken.change { $0.append(seconds) }
      }
    }
    await time.waitForSleepers(3)
    for second in 1...3 {
      time.advance(by: .seconds(1))
      await woken.wait { $0.count == second ? () : nil }
    }
    #expect(woken.read { $0 } == [1, 2, 3])
    for sleeper in sleepers { _ = await sleeper.result }
  }

  @Test func `a cancelled sleep throws`() async {
    let time = ManualTime()
    let sleeper = Task { try await time.sleep(for: .seconds(1)) }
    await time.waitForSleepers(1)
    sleeper.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
    #expect(time.nextAlarm == nil)
  }

  @Test func `an alarm goes off at its time, and not if it was cancelled`() async {
    let time = ManualTime()
    let rung = Watched([String]())
    let early = Alarm(after: .seconds(1), on: time) { rung.change { $0.append("early") } }
    let late = Alarm(after: .seconds(2), on: time) { rung.change { $0.append("late") } }
    await time.waitForSleepers(2)
    early.cancel()
    while time.nextAlarm != time.now + .seconds(2) { await Task.yield() }
    time.advance(by: .seconds(5))
    await rung.wait { $0.isEmpty ? nil : () }
    #expect(rung.read { $0 } == ["late"])
    late.cancel()
  }

  @Test func `work within its time limit gives its value, other work nothing`() async {
    let time = ManualTime()
    #expect(await withTimeLimit(.seconds(1), on: time) { 7 } == 7)
    let slow = Task {
      await withTimeLimit(.seconds(1), on: time) {
        try? await time.sleep(for: .seconds(10))
        return 7
      }
    }
    await time.waitForSleepers(2)
    time.advance(by: .seconds(1))
    #expect(await slow.value == nil)
  }

  @Test func `waits double up to the longest`() {
    var backoff = Backoff(from: .seconds(1), to: .seconds(5))
    #expect((0..<5).map { _ in backoff.next() } == [1, 2, 4, 5, 5].map { .seconds($0) })
    backoff.reset()
    #expect(backoff.next() == .seconds(1))
  }
}
