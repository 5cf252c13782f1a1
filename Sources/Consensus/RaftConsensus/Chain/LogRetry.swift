// Keeps what the log does not take until it does: a full disk must not cost what was acknowledged.

import Concurrency
import Logging
import RaftLog
import Storage

/// Writes to a channel's log, and repeats what failed without a trace, as `LedgerRetry` does for the ledger.
struct LogRetry: Sendable {
  /// The wait before the first repetition; it doubles up to ``longestDelay``.
  static let shortestDelay = Duration.milliseconds(50)
  /// Also how long the node takes to notice that there is room again.
  static let longestDelay = Duration.seconds(1)
  /// A lasting obstruction is logged again after this many repetitions, i.e. about once a minute.
  private static let attemptsPerReminder = 60

  /// Writes jobs, and tells how many are durable, and why not all are. Blocks.
  typealias Write =
    @Sendable (ArraySlice<LogWriter.Job>) -> (done: Int, error: RaftLogError?)

  let append: Write
  let pool: BlockingPool
  let state: Watched<ChainState>
  /// Is told why the log does not take entries, and when it does again (nil).
  let obstruct: @Sendable (String?) -> Void
  let metrics: RaftChainMetrics
  let time: any TimeSource
  let logger: Logger
  /// A sync that takes half of it is logged: it may cost the node its leadership.
  let electionTimeout: Duration

  /// Makes jobs durable. While that fails in a way that may pass, the chain is obstructed.
  ///
  /// - Throws: What the log throws if that cannot pass, and when the chain is halted.
  func write(_ jobs: [LogWriter.Job]) async throws {
    var rest = jobs[...]
    var backoff = Backoff(from: Self.shortestDelay, to: Self.longestDelay)
    var attempts = 0
    while true {
      let began = time.now
      let (append, writing) = (append, rest)
      let (done, error) = try await pool.run(orThrow: RaftLogError.closed) {
        () throws(RaftLogError) in append(writing)
      }
      rest.removeFirst(done)
      guard let error else {
        report(began.duration(to: time.now))
        metrics.syncGroupSize.record(jobs.count)
        if attempts > 0 { passed(attempts) }
        return
      }
      guard error.mayPass else { throw error }
      attempts += 1
      failed(error, attempts)
      let isOver: Void? = await state.wait(until: time.now + backoff.next(), on: time) {
        $0.isOver ? () : nil
      }
      if isOver != nil { throw error }
    }
  }

  private func report(_ duration: Duration) {
    metrics.dataPersistDuration.record(duration: duration)
    guard duration > electionTimeout / 2 else { return }
    logger.warning(
      """
      WAL sync took \(duration) and the network is configured to start elections after \
      \(electionTimeout). Your disk is too slow and may cause loss of quorum and trigger leadership election.
      """)
  }

  private func failed(_ error: RaftLogError, _ attempts: Int) {
    let reason = "the Raft log cannot be written: \(error)"
    let hasChanged = state.read { $0.obstruction } != reason
    if hasChanged { obstruct(reason) }
    guard hasChanged || attempts % Self.attemptsPerReminder == 0 else { return }
    logger.error(
      """
      The Raft log cannot be written now: \(error). Submissions are answered with SERVICE_UNAVAILABLE until \
      it can; no restart is needed.
      """)
  }

  private func passed(_ attempts: Int) {
    obstruct(nil)
    logger.info("The Raft log can be written again, after \(attempts) failed attempt(s)")
  }
}
