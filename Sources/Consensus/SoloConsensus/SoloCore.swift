// The solo protocol without its surroundings: what to write, and when to run the batch timer.

import FabricProtos
import Ordering

/// Orders the messages of one channel on one node, as they come.
///
/// A value: messages and the expiry of the timer go in, effects come out, to be carried out in order.
/// Config messages must be validated against the configuration in force before they go in, and their
/// effects carried out before the next message does.
package struct SoloCore: Sendable {
  /// What the surroundings have to do.
  package enum Effect: Sendable {
    /// Write a block of normal messages.
    case write([OrderedMessage])
    /// Write a config message into a block of its own.
    case writeConfig(OrderedMessage)
    /// Let the batch timer run, once, for the batch time-out of the channel.
    case startTimer(BatchTimer.ID)
    /// Forget the timer that runs.
    case stopTimer
  }

  private var cutter = BlockCutter()
  private var timer = BatchTimer()

  package init() {}

  /// Whether messages wait for a batch.
  package var isPending: Bool { !cutter.pending.isEmpty }

  /// Takes the next message.
  package mutating func ordered(_ message: OrderedMessage, limits: BatchLimits) -> [Effect] {
    if message.isConfig {
      return cut() + stopTimer() + [.writeConfig(message)]
    }
    let effects = cutter.ordered(message, limits: limits).map(Effect.write)
    if cutter.pending.isEmpty { return effects + stopTimer() }
    // A batch that was begun by this message runs on the timer of the one before it, as in the
    // reference implementation: the timer says how long the oldest message waits at most.
    return timer.isRunning ? effects : effects + [.startTimer(timer.start())]
  }

  /// The batch timer has expired. Does nothing if that timer was stopped meanwhile.
  package mutating func expired(_ id: BatchTimer.ID) -> [Effect] {
    timer.expire(id) ? cut() : []
  }

  /// The node stops in an orderly way: what was acknowledged gets its block.
  package mutating func halted() -> [Effect] {
    cut() + stopTimer()
  }

  private mutating func cut() -> [Effect] {
    cutter.cut().map { [.write($0)] } ?? []
  }

  private mutating func stopTimer() -> [Effect] {
    timer.stop() ? [.stopTimer] : []
  }
}
