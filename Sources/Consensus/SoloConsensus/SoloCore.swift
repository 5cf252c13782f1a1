// The solo protocol without its surroundings: what to write, and when to run the batch timer.

import FabricProtos
import Ordering

/// Orders the messages of one channel on one node, as they come.
///
/// A value: messages and the expiry of the timer go in, effects come out, to be carried out in order.
/// Messages must have been validated against the configuration in force before they go in, and the
/// effects of a config message carried out before the next message goes in.
package struct SoloCore: Sendable {
  /// What the surroundings have to do.
  package enum Effect: Sendable {
    /// Write a block of normal messages.
    case write([OrderedMessage])
    /// Write a config message into a block of its own.
    case writeConfig(OrderedMessage)
    /// Start the batch timer, once, for the batch time-out of the channel.
    case startTimer(BatchTimer.ID)
    /// Forget the running timer.
    case stopTimer
  }

  private var cutter = BlockCutter()
  private var timer = BatchTimer()

  package init() {}

  /// Whether messages wait for a batch.
  package var isPending: Bool { !cutter.pending.isEmpty }

  /// What must hold between two inputs.
  ///
  /// - Throws: What does not. A message that waits without a timer might wait for ever, and a timer that
  ///   runs for nothing would cut the next batch early.
  package func check() throws(ChannelFault) {
    guard timer.isRunning == isPending else {
      throw .broken(
        "\(cutter.pending.count) message(s) wait, and the batch timer "
          + (timer.isRunning ? "runs" : "does not run"))
    }
  }

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
