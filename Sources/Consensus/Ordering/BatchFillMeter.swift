// Measures how long batches take to fill, beside a core that knows no clock.

import Concurrency

/// Notes when the first message of a batch comes, and records how long ago that was when the batch is
/// cut (Fabric: `blockcutter_block_fill_duration`).
///
/// A value of the task that drives a core. The clock is asked once or twice per batch.
package struct BatchFillMeter: Sendable {
  private let metrics: ChannelMetrics
  private let time: any TimeSource
  private var began: TimeSource.Instant?

  package init(_ metrics: ChannelMetrics, time: any TimeSource) {
    self.metrics = metrics
    self.time = time
  }

  /// Call this after each input of the core.
  ///
  /// - Parameters:
  ///   - cuts: Batches of normal messages that the input cut.
  ///   - isPending: Whether messages wait for a batch now.
  package mutating func note(cuts: Int, isPending: Bool) {
    guard metrics.isRecording else { return }
    // The usual case: one more message in a batch.
    if cuts == 0, isPending == (began != nil) { return }
    let now = time.now
    for cut in 0..<cuts {
      // What was cut behind another batch, or without having been pending, took no time.
      let duration = cut == 0 ? began.map { $0.duration(to: now) } : nil
      metrics.filled(in: duration ?? .zero)
    }
    if !isPending {
      began = nil
    } else if began == nil || cuts > 0 {
      began = now
    }
  }
}
