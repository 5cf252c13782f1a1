// Threads for calls that wait for a disk, which must not hold up Swift's own few threads.

import NIOPosix

/// A fixed number of threads that run blocking calls in the order in which they come.
package final class BlockingPool: Sendable {
  private let pool: NIOThreadPool

  package init(threads: Int) {
    pool = NIOThreadPool(numberOfThreads: threads)
    pool.start()
  }

  /// Runs `body` on one of the threads. Cancelling the task has no effect: a write that has begun
  /// is completed.
  ///
  /// - Throws: what `body` throws; `closed` if the pool has shut down.
  package func run<Value: Sendable, Failure: Error>(
    orThrow closed: Failure, _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Value, Failure>, Never>) in
      pool.submit { state in
        guard case .active = state else {
          continuation.resume(returning: .failure(closed))
          return
        }
        continuation.resume(returning: Result(catching: body))
      }
    }
    return try result.get()
  }

  /// Runs `body` on one of the threads once one is free; not at all once the pool shuts down.
  package func submit(_ body: @escaping @Sendable () -> Void) {
    pool.submit { state in
      if case .active = state { body() }
    }
  }

  /// Lets what is queued finish and stops the threads.
  package func shutDown() async { try? await pool.shutdownGracefully() }
}
