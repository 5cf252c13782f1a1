// Threads for blocking calls.

import Synchronization
import Testing

@testable import Storage

@Suite struct BlockingPoolTests {
  private enum Failure: Error {
    case closed
    case ofTheBody
  }

  @Test func oneThreadWorksInOrder() async throws {
    let pool = BlockingPool(threads: 1)
    let done = Mutex<[Int]>([])
    for number in 0..<100 { pool.submit { done.withLock { $0.append(number) } } }
    try await pool.run(orThrow: Failure.closed) { () throws(Failure) in
      done.withLock { $0.append(100) }
    }
    #expect(done.withLock { $0 } == Array(0...100))
    await pool.shutDown()
  }

  @Test func errorsComeBack() async {
    let pool = BlockingPool(threads: 1)
    await #expect(throws: Failure.ofTheBody) {
      try await pool.run(orThrow: Failure.closed) { () throws(Failure) in throw .ofTheBody }
    }
    await pool.shutDown()
  }

  @Test func nothingRunsOnceItIsShutDown() async {
    let pool = BlockingPool(threads: 1)
    await pool.shutDown()
    await #expect(throws: Failure.closed) {
      try await pool.run(orThrow: Failure.closed) { () throws(Failure) in }
    }
  }
}
