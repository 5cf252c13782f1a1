// Brings the fingerprints of blocks that were verified when they were read into the index.

import Logging
import Storage
import Synchronization

/// Spares the next process the hashes that this one has computed of blocks that came without
/// fingerprints, which are those that Go's orderer wrote.
///
/// Nobody waits for it and nothing depends on it: what is not written is verified again. It writes
/// batches on a thread of its own, drops what comes too fast, and writes nothing to a database that
/// has failed.
final class FingerprintKeeper: Sendable {
  /// Fingerprints that are written together, and the most that wait for it.
  static let batchSize = 64
  static let maximumWaiting = 16 * batchSize

  private struct State {
    var waiting: [(number: UInt64, fingerprint: BlockFingerprint)] = []
    var isScheduled = false
    var isClosed = false
  }

  private let index: ChannelIndex
  private let pool: BlockingPool
  private let logger: Logger
  private let state = Mutex(State())
  /// Held while something is written.
  private let writing = Mutex(())

  init(index: ChannelIndex, pool: BlockingPool, logger: Logger) {
    self.index = index
    self.pool = pool
    self.logger = logger
  }

  func keep(_ number: UInt64, _ fingerprint: BlockFingerprint) {
    let isDue = state.withLock { state in
      guard !state.isClosed, state.waiting.count < Self.maximumWaiting else { return false }
      state.waiting.append((number, fingerprint))
      guard state.waiting.count >= Self.batchSize, !state.isScheduled else { return false }
      state.isScheduled = true
      return true
    }
    if isDue { pool.submit { self.write() } }
  }

  /// Writes what waits and takes no more. Nothing is written any more when this returns. Blocks the
  /// thread.
  func close() {
    state.withLock { $0.isClosed = true }
    write()
  }

  private func write() {
    writing.withLock { _ in
      let batch = state.withLock { state in
        defer { state.waiting = [] }
        state.isScheduled = false
        return state.waiting
      }
      do throws(LevelDB.Failure) { try index.add(batch) } catch {
        logger.debug(
          "The checksums of \(batch.count) block(s) of channel \(index.channelID) were not kept: \(error.message)"
        )
      }
    }
  }
}
