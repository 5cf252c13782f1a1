// The clock beside a chain's core: its ticks, and its batch timer.

import Concurrency
import Ordering
import Synchronization

/// Ticks and the batch timer of one chain. Whatever expires wakes the chain's task, which then looks here.
final class ChainClock: Sendable {
  private struct State {
    var ticker: Ticker
    var alarm: BatchAlarm
  }

  private let state: Mutex<State>

  /// - Parameters:
  ///   - interval: Between two ticks, more than zero.
  ///   - wheel: On which the channels of the node tick together; nil: each for itself.
  ///   - wake: Makes the task look here.
  init(
    every interval: Duration, on time: any TimeSource, with wheel: TimerWheel?,
    wake: @escaping @Sendable () -> Void
  ) {
    state = Mutex(
      State(
        ticker: Ticker(every: interval, on: time, with: wheel, wake: wake),
        alarm: BatchAlarm(time: time, wake: wake)))
  }

  func tick(_ runs: Bool) { state.withLock { $0.ticker.run(runs) } }

  func startBatchTimer(_ id: BatchTimer.ID, for timeout: Duration) {
    state.withLock { $0.alarm.start(id, for: timeout) }
  }

  func stopBatchTimer() { state.withLock { $0.alarm.stop() } }

  /// Whether a tick is due, once for each, and the batch timer that has expired, once.
  func take() -> (isTickDue: Bool, expired: BatchTimer.ID?) {
    state.withLock { ($0.ticker.takeTick(), $0.alarm.takeExpired()) }
  }
}
