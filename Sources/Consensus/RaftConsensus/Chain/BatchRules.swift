// What the configuration in force says about batches.

import Ordering

/// The part of a channel's configuration that is asked for with each message, read once for each configuration.
package struct BatchRules: Sendable {
  /// Of the configuration.
  package let sequence: UInt64
  package let limits: BatchLimits
  /// How long a message waits at most until its batch is cut.
  package let timeout: Duration

  package init(sequence: UInt64, limits: BatchLimits, timeout: Duration) {
    self.sequence = sequence
    self.limits = limits
    self.timeout = timeout
  }
}
