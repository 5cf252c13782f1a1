// Keeps a block until the ledger takes it: a full disk must not cost what was acknowledged.

import BlockLedger
import Logging
import Synchronization

/// Repeats writes to one channel's ledger that failed without a trace, e.g. for want of room.
///
/// While a write is being repeated the channel is *obstructed*: what was ordered waits, submissions
/// are to be refused with ``obstruction``, and readers are served. The first write that succeeds ends
/// that. Failures after which it is not known what is on the disk, such as a failed fsync, are
/// never repeated.
package final class LedgerRetry: Sendable {
  /// Is told when an obstruction begins (the reason) and when it ends (nil).
  package typealias Observer = @Sendable (String?) -> Void

  /// The wait before the first repetition; it doubles up to ``longestDelay``.
  static let shortestDelay = Duration.milliseconds(50)
  /// The longest wait between two repetitions, so also how long the node takes to notice that there
  /// is room again.
  static let longestDelay = Duration.seconds(1)
  /// How often a wait looks whether it should end early.
  private static let nap = Duration.milliseconds(50)
  /// An obstruction that lasts is logged again after so many repetitions, i.e. about once a minute.
  private static let attemptsPerReminder = 60

  private struct State {
    var obstruction: String?
    var observer: Observer?
  }

  private let channelID: String
  private let logger: Logger
  private let state = Mutex(State())
  private let stopped = Atomic<Bool>(false)

  package init(channelID: String, logger: Logger) {
    self.channelID = channelID
    self.logger = logger
  }

  /// Why the ledger does not take blocks now; nil while it does.
  package var obstruction: String? { state.withLock { $0.obstruction } }

  /// Sets who is told of obstructions. It is called by the task that writes.
  package func observe(_ observer: @escaping Observer) {
    state.withLock { $0.observer = observer }
  }

  /// Lets no failure be repeated from now on, so that a chain which waits for room can be halted.
  package func stop() { stopped.store(true, ordering: .releasing) }

  /// Runs `write`, again and again while it fails in a way that may pass.
  ///
  /// - Throws: what `write` throws if that cannot pass, after ``stop()``, and when the task is
  ///   cancelled.
  package func run<Value>(_ write: () async throws -> Value) async throws -> Value {
    var delay = Self.shortestDelay
    var attempts = 0
    while true {
      do {
        let value = try await write()
        if attempts > 0 { passed(attempts) }
        return value
      } catch let error as LedgerError where error.mayPass {
        guard !isOver else { throw error }
        attempts += 1
        failed(error, attempts)
        await pause(delay)
        guard !isOver else { throw error }
        delay = min(delay * 2, Self.longestDelay)
      }
    }
  }

  private var isOver: Bool { stopped.load(ordering: .acquiring) || Task.isCancelled }

  private func failed(_ error: LedgerError, _ attempts: Int) {
    let reason = "blocks cannot be written: \(error)"
    let (changed, observer) = state.withLock { state in
      defer { state.obstruction = reason }
      return (state.obstruction != reason, state.observer)
    }
    if changed || attempts % Self.attemptsPerReminder == 0 {
      logger.error(
        """
        [channel: \(channelID)] The ledger cannot take blocks now: \(error). Submissions are answered \
        with SERVICE_UNAVAILABLE until it can; no restart is needed.
        """)
    }
    if changed { observer?(reason) }
  }

  private func passed(_ attempts: Int) {
    let observer = state.withLock { state in
      state.obstruction = nil
      return state.observer
    }
    logger.info(
      "[channel: \(channelID)] The ledger takes blocks again, after \(attempts) failed attempt(s)")
    observer?(nil)
  }

  private func pause(_ delay: Duration) async {
    var left = delay
    while left > .zero, !isOver {
      try? await Task.sleep(for: min(left, Self.nap))
      left -= Self.nap
    }
  }
}
