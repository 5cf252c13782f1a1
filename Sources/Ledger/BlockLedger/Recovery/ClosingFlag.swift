// Tells long-running work to come to an end.

import Synchronization

/// Tells long work that the factory is being closed.
final class ClosingFlag: Sendable {
  private let value = Atomic<Bool>(false)
  var isRaised: Bool { value.load(ordering: .acquiring) }
  func raise() { value.store(true, ordering: .releasing) }
}
