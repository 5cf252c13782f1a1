// Keeps a block until the ledger takes it: a full disk must not cost what was acknowledged.

import BlockLedger
import Concurrency
import Logging

/// A failure that says whether the same act may succeed later.
package protocol PassingError: Error {
  var mayPass: Bool { get }
}

extension LedgerError: PassingError {}

/// Repeats writes to one channel's ledger that failed without a trace, e.g. for want of room.
///
/// While a write is being repeated the channel is *obstructed*: what was ordered waits, submissions
/// should be refused with ``obstruction``, and readers are served. The first write that succeeds
/// ends that. Failures after which it is not known what is on the disk, such as a failed fsync, are
/// never repeated.
package final class LedgerRetry: Sendable {
  /// Called when an obstruction begins (the reason) and when it ends (nil).
  package typealias Observer = @Sendable (String?) -> Void

  /// The wait before the first repetition; it doubles up to ``longestDelay``.
  static let shortestDelay = Duration.milliseconds(50)
  /// The longest wait between two repetitions, so also how long the node takes to notice that there
  /// is room again.
  static let longestDelay = Duration.seconds(1)
  /// A lasting obstruction is logged again after this many repetitions, i.e. about once a minute.
  private static let attemptsPerReminder = 60

  private enum Condition {
    /// The ledger takes blocks, as far as is known.
    case taking
    /// The ledger does not take blocks, for this reason; the writer tries again.
    case obstructed(String)
    /// No failure is repeated any more. The reason is that of an obstruction that was given up.
    case stopped(String?)

    var obstruction: String? {
      switch self {
      case .taking: nil
      case .obstructed(let reason): reason
      case .stopped(let reason): reason
      }
    }

    var isStopped: Bool {
      if case .stopped = self { true } else { false }
    }

    mutating func note(_ obstruction: String?) {
      switch self {
      case .taking, .obstructed: self = obstruction.map(Self.obstructed) ?? .taking
      case .stopped: self = .stopped(obstruction)
      }
    }

    mutating func stop() { self = .stopped(obstruction) }
  }

  private struct State {
    var condition = Condition.taking
    var observer: Observer?
  }

  private let channelID: String
  private let time: any TimeSource
  private let logger: Logger
  private let state = Watched(State())

  package init(channelID: String, time: any TimeSource, logger: Logger) {
    self.channelID = channelID
    self.time = time
    self.logger = logger
  }

  /// Why the ledger does not take blocks now; nil while it does.
  package var obstruction: String? { state.read { $0.condition.obstruction } }

  /// Sets who is told of obstructions. It is called by the task that writes.
  package func observe(_ observer: @escaping Observer) {
    state.change { $0.observer = observer }
  }

  /// Stops repeating failed writes, so that a chain that waits for room can be halted.
  package func stop() { state.change { $0.condition.stop() } }

  /// Runs `write`, again and again while it fails in a way that may pass.
  ///
  /// - Throws: what `write` throws if that cannot pass, after ``stop()``, and when the task is
  ///   cancelled.
  package func run<Value>(_ write: () async throws -> Value) async throws -> Value {
    var backoff = Backoff(from: Self.shortestDelay, to: Self.longestDelay)
    var attempts = 0
    while true {
      do {
        let value = try await write()
        if attempts > 0 { passed(attempts) }
        return value
      } catch let error as any PassingError where error.mayPass {
        guard !isOver else { throw error }
        attempts += 1
        failed(error, attempts)
        await pause(backoff.next())
        guard !isOver else { throw error }
      }
    }
  }

  private var isOver: Bool { state.read { $0.condition.isStopped } || Task.isCancelled }

  private func failed(_ error: any PassingError, _ attempts: Int) {
    let reason = "blocks cannot be written: \(error)"
    let (hasChanged, observer) = state.change { state in
      defer { state.condition.note(reason) }
      return (state.condition.obstruction != reason, state.observer)
    }
    if hasChanged || attempts % Self.attemptsPerReminder == 0 {
      logger.error(
        """
        [channel: \(channelID)] The ledger cannot take blocks now: \(error). Submissions are answered \
        with SERVICE_UNAVAILABLE until it can; no restart is needed.
        """)
    }
    if hasChanged { observer?(reason) }
  }

  private func passed(_ attempts: Int) {
    let observer = state.change { state in
      state.condition.note(nil)
      return state.observer
    }
    logger.info(
      "[channel: \(channelID)] The ledger takes blocks again, after \(attempts) failed attempt(s)")
    observer?(nil)
  }

  /// Waits, unless nothing is repeated any more.
  private func pause(_ delay: Duration) async {
    await state.wait(until: time.now + delay, on: time) { $0.condition.isStopped ? () : nil }
  }
}
