// A shut-down waits for each of its steps, but not for ever.

import Concurrency
import Testing

@testable import OrdererServer

@Suite struct NodeTests {
  private let time = ManualTime()

  @Test func aStepThatEndsIsWaitedFor() async {
    let gate = WakeUp()
    async let isDone = Node.isDone(within: .seconds(20), on: time) { await gate.wait() }
    await time.waitForSleepers(1)
    time.advance(by: .milliseconds(19_999))
    gate.set()
    #expect(await isDone)
  }

  @Test func aStepThatDoesNotEndIsLeftToItself() async {
    let gate = WakeUp()
    async let isDone = Node.isDone(within: .seconds(20), on: time) { await gate.wait() }
    await time.waitForSleepers(1)
    time.advance(by: .seconds(20))
    #expect(await !isDone)
    gate.set()
  }
}
