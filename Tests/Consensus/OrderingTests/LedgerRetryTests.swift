// Writes that fail for want of room are repeated; others are not.

import BlockLedger
import Concurrency
import Logging
import Storage
import Testing

@testable import Ordering

@Suite struct LedgerRetryTests {
  private let full = LedgerError.storage(.noSpace(path: "/ledger", operation: "write to"))
  private let time = ManualTime()
  private let observed = Watched<[String?]>([])
  private let retry: LedgerRetry

  init() {
    retry = LedgerRetry(
      channelID: "one", time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    retry.observe { [observed] reason in observed.change { $0.append(reason) } }
  }

  /// A writer to a ledger that has no room for this many attempts.
  private func writer(failures: Int) -> Task<Int, any Error> {
    Task { [retry, full] in
      var attempts = 0
      return try await retry.run {
        attempts += 1
        if attempts <= failures { throw full }
        return attempts
      }
    }
  }

  @Test func aWriteIsRepeatedUntilThereIsRoom() async throws {
    let writer = writer(failures: 3)
    for delay in [50, 100, 200] {
      await time.waitForSleepers(1)
      #expect(retry.obstruction?.contains("no space left") == true)
      time.advance(by: .milliseconds(delay))
    }
    #expect(try await writer.value == 4)
    #expect(retry.obstruction == nil)
    // The reason is told once, and once that it is gone.
    let events = observed.read { $0 }
    #expect(events.count == 2)
    #expect(events.first??.contains("no space left") == true)
    #expect(events.last == .some(nil))
  }

  @Test func theWaitsGrowToTheLongestOne() async throws {
    let writer = writer(failures: 8)
    var waits: [Duration] = []
    for _ in 0..<8 {
      await time.waitForSleepers(1)
      let wait = try #require(time.nextAlarm) - time.now
      waits.append(wait)
      time.advance(by: wait)
    }
    _ = try await writer.value
    #expect(waits.last == LedgerRetry.longestDelay)
    #expect(waits == waits.sorted())
  }

  @Test func whatCannotPassIsThrownAtOnce() async {
    let halted = LedgerError.halted(channel: "one", reason: "could not synchronize")
    await #expect(throws: halted) { try await retry.run { throw halted } }
    #expect(observed.read { $0 }.isEmpty)
    #expect(retry.obstruction == nil)
  }

  @Test func theReasonCanBeAskedForMeanwhileAndAHaltEndsTheWait() async {
    let writer = writer(failures: .max)
    await time.waitForSleepers(1)
    #expect(retry.obstruction != nil)
    retry.stop()
    await #expect(throws: full) { try await writer.value }
    // The blocks are not written, and whoever asks is still told why.
    #expect(retry.obstruction != nil)
  }

  @Test func cancellationEndsTheWait() async {
    let writer = writer(failures: .max)
    await time.waitForSleepers(1)
    writer.cancel()
    await #expect(throws: full) { try await writer.value }
  }

  @Test func afterAHaltNothingIsRepeated() async {
    retry.stop()
    await #expect(throws: full) { try await writer(failures: .max).value }
    #expect(retry.obstruction == nil)
  }
}
