// Writes that fail for want of room are repeated; others are not.

import BlockLedger
import Concurrency
import Logging
import Storage
import Synchronization
import Testing

@testable import Ordering

@Suite struct LedgerRetryTests {
  private let full = LedgerError.storage(.noSpace(path: "/ledger", operation: "write to"))

  private func makeRetry() -> (LedgerRetry, Mutex<[String?]>.Reference) {
    let retry = LedgerRetry(
      channelID: "one", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let seen = Mutex<[String?]>.Reference()
    retry.observe { reason in seen.value.withLock { $0.append(reason) } }
    return (retry, seen)
  }

  @Test func aWriteIsRepeatedUntilThereIsRoom() async throws {
    let (retry, seen) = makeRetry()
    var attempts = 0
    let value = try await retry.run {
      attempts += 1
      if attempts < 4 { throw full }
      return attempts
    }
    #expect(value == 4)
    #expect(retry.obstruction == nil)
    let events = seen.value.withLock { $0 }
    #expect(events.count == 2)
    #expect(events.first??.contains("no space left") == true)
    #expect(events.last == .some(nil))
  }

  @Test func whatCannotPassIsThrownAtOnce() async {
    let (retry, seen) = makeRetry()
    let halted = LedgerError.halted(channel: "one", reason: "could not synchronize")
    await #expect(throws: halted) { try await retry.run { throw halted } }
    #expect(seen.value.withLock { $0 }.isEmpty)
    #expect(retry.obstruction == nil)
  }

  @Test func theReasonCanBeAskedForMeanwhileAndAHaltEndsTheWait() async throws {
    let (retry, _) = makeRetry()
    let error = full
    let writer = Task { try await retry.run { throw error } }
    while retry.obstruction == nil { try await Task.sleep(for: .milliseconds(5)) }
    retry.stop()
    await #expect(throws: error) { try await writer.value }
  }
}

extension Mutex where Value == [String?] {
  /// Lets a closure and a test share a mutex.
  final class Reference: Sendable {
    let value = Mutex<[String?]>([])
  }
}

@Suite struct ImpatientQueueTests {
  @Test func anImpatientQueueSendsProducersAwayInsteadOfLettingThemWait() async throws {
    let queue = BoundedQueue<Int>(maximumCount: 1, maximumBytes: 10, maximumWaiting: 100)
    try await queue.append([1], bytes: 1)
    let producer = Task { try await queue.append([2], bytes: 1) }
    try await Task.sleep(for: .milliseconds(50))
    queue.setImpatient(true)
    await #expect(throws: BoundedQueue<Int>.Refusal.overloaded) { try await producer.value }
    await #expect(throws: BoundedQueue<Int>.Refusal.overloaded) {
      try await queue.append([3], bytes: 1)
    }
    queue.setImpatient(false)
    _ = await queue.next()
    try await queue.append([4], bytes: 1)
  }
}
