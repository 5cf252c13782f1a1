// The height of a chain, which its readers see without a lock.

import Synchronization

/// A height that only grows, until the chain is closed.
///
/// To be woken when it grows, ask the channel (`Ordering.TipSignal`), which knows about errors as well.
final class ChainHeight: Sendable {
  private let value: Atomic<UInt64>
  private let closed = Atomic<Bool>(false)

  init(_ height: UInt64 = 0) {
    value = Atomic(height)
  }

  /// Number of visible blocks.
  var current: UInt64 { value.load(ordering: .acquiring) }

  var isClosed: Bool { closed.load(ordering: .acquiring) }

  /// Makes the blocks below `height` visible. Only the one writer calls this.
  func advance(to height: UInt64) { value.store(height, ordering: .releasing) }

  func close() { closed.store(true, ordering: .releasing) }
}
