// Adds to the index the fingerprints of blocks that were verified when they were read.

import Logging
import Storage
import Synchronization

/// Spares the next process the hashes that this one computed for blocks without fingerprints, i.e.
/// blocks that Go's orderer wrote.
///
/// Nobody waits for it and nothing depends on it: what is not written is verified again. It writes
/// batches on a thread of its own, drops what comes too fast, and writes nothing to a database that
/// has failed.
final class FingerprintKeeper: Sendable {
  /// Fingerprints that are written together, and the most that wait for it.
  static let batchSize = 64
  static let maximumWaiting = 16 * batchSize

  private typealias Batch = [(number: UInt64, fingerprint: BlockFingerprint)]

  private enum State {
    /// Few wait.
    case collecting(Batch)
    /// Enough wait, and they are about to be written.
    case due(Batch)
    /// Takes no more. Final.
    case closed

    /// Whether a write has to be scheduled for it.
    mutating func add(_ number: UInt64, _ fingerprint: BlockFingerprint) -> Bool {
      switch self {
      case .collecting(var waiting):
        self = .closed  // So that the batch is not copied.
        waiting.append((number, fingerprint))
        let isDue = waiting.count >= batchSize
        self = isDue ? .due(waiting) : .collecting(waiting)
        return isDue
      case .due(var waiting):
        guard waiting.count < maximumWaiting else { return false }
        self = .closed
        waiting.append((number, fingerprint))
        self = .due(waiting)
        return false
      case .closed: return false
      }
    }

    /// Takes out what waits; `next` is the state from then on.
    mutating func take(for next: State) -> Batch {
      defer { self = next }
      switch self {
      case .collecting(let waiting), .due(let waiting): return waiting
      case .closed: return []
      }
    }
  }

  private let index: ChannelIndex
  private let pool: BlockingPool
  private let logger: Logger
  private let state = Mutex(State.collecting([]))
  /// Held while something is written.
  private let writing = Mutex(())

  init(index: ChannelIndex, pool: BlockingPool, logger: Logger) {
    self.index = index
    self.pool = pool
    self.logger = logger
  }

  func keep(_ number: UInt64, _ fingerprint: BlockFingerprint) {
    if state.withLock({ $0.add(number, fingerprint) }) { pool.submit { self.write() } }
  }

  /// Writes what waits and takes no more. Nothing is written any more when this returns. Blocks the
  /// thread.
  func close() {
    writing.withLock { _ in store(state.withLock { $0.take(for: .closed) }) }
  }

  private func write() {
    writing.withLock { _ in
      let batch = state.withLock { state -> Batch in
        if case .closed = state { return [] }
        return state.take(for: .collecting([]))
      }
      store(batch)
    }
  }

  private func store(_ batch: Batch) {
    do throws(LevelDB.Failure) { try index.add(batch) } catch {
      logger.debug(
        "The checksums of \(batch.count) block(s) of channel \(index.channelID) were not kept: \(error.message)"
      )
    }
  }
}
