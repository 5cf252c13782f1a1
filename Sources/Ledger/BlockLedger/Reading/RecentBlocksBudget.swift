// How much memory the newest blocks of all channels may take.

import Synchronization

/// Memory for recent blocks, shared out among the open channels of a factory.
final class RecentBlocksBudget: Sendable {
  /// Bytes for all channels.
  let total: Int
  /// The most and the least that one channel gets, in bytes.
  let maximum: Int
  private static let minimum = 64 << 10
  private let channels = Atomic<Int>(0)

  init(total: Int, maximum: Int) {
    self.total = total
    self.maximum = maximum
  }

  func enter() { channels.wrappingAdd(1, ordering: .relaxed) }
  func leave() { channels.wrappingSubtract(1, ordering: .relaxed) }

  /// What one channel may keep now.
  var share: Int {
    min(maximum, max(Self.minimum, total / max(1, channels.load(ordering: .relaxed))))
  }
}
