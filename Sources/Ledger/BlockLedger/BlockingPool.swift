// Threads for calls that wait for a disk, which must not hold up Swift's own few threads.

import NIOPosix

/// A fixed number of threads that work off blocking calls in the order they come.
final class BlockingPool: Sendable {
  private let pool: NIOThreadPool

  init(threads: Int) {
    pool = NIOThreadPool(numberOfThreads: threads)
    pool.start()
  }

  /// Runs `body` on one of the threads. Cancelling the task has no influence: what has begun to be
  /// written is brought to its end.
  func run<Value: Sendable>(
    _ channelID: String, _ body: @escaping @Sendable () throws(LedgerError) -> Value
  ) async throws(LedgerError) -> Value {
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Value, LedgerError>, Never>) in
      pool.submit { state in
        guard case .active = state else {
          continuation.resume(returning: .failure(.closed(channel: channelID)))
          return
        }
        continuation.resume(returning: Result(catching: body))
      }
    }
    return try result.get()
  }

  /// Runs `body` on one of the threads when there is one; not at all once the pool shuts down.
  func submit(_ body: @escaping @Sendable () -> Void) {
    pool.submit { state in
      if case .active = state { body() }
    }
  }

  /// Lets what is queued finish and stops the threads.
  func shutDown() async { try? await pool.shutdownGracefully() }
}
