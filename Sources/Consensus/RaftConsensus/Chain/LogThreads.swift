// The threads that the logs of all channels share.

import RaftLog
import Storage
import Synchronization

/// Threads for reading and writing logs, which a node without Raft channels never starts.
final class LogThreads: Sendable {
  /// As many logs are synchronized at a time.
  private static let count = 4

  private enum State {
    case unused
    case running(BlockingPool)
    /// Final.
    case closed
  }

  private let state = Mutex(State.unused)

  /// - Throws: `RaftLogError.closed` once they have ended.
  var pool: BlockingPool {
    get throws(RaftLogError) {
      let result: Result<BlockingPool, RaftLogError> = state.withLock { state in
        switch state {
        case .running(let pool): return .success(pool)
        case .closed: return .failure(.closed)
        case .unused:
          let pool = BlockingPool(threads: Self.count)
          state = .running(pool)
          return .success(pool)
        }
      }
      return try result.get()
    }
  }

  func close() async {
    let pool = state.withLock { state -> BlockingPool? in
      defer { state = .closed }
      if case .running(let pool) = state { return pool }
      return nil
    }
    await pool?.shutDown()
  }
}
