// Waiting until cancelled.

import Testing

@testable import Concurrency

@Suite struct CancellationTests {
  @Test func theWaitEndsWithTheTask() async {
    let task = Task {
      await untilCancelled()
      return Task.isCancelled
    }
    task.cancel()
    #expect(await task.value)
  }
}
