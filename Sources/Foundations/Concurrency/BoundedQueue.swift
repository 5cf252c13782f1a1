// The bounded queue between many tasks that produce and the one that consumes.

/// A queue of batches for one consumer, bounded in elements and bytes.
///
/// A producer that finds the queue full waits, which holds back its own stream through flow
/// control, so memory is bounded by the limits plus one batch for each producer. The consumer takes
/// everything that waits at once, so that a busy queue needs few wake-ups. Producers take turns in
/// the order in which they came.
package final class BoundedQueue<Element: Sendable>: Sendable {
  /// What the consumer gets when it is woken.
  package enum Delivery: Sendable {
    /// What was waiting, in order; empty if only ``BoundedQueue/wake()`` was called.
    case elements([Element])
    /// The queue was closed, and everything that it had taken before was delivered.
    case closed
  }

  /// Why the queue took nothing.
  package enum Refusal: Error {
    /// The queue was closed.
    case closed
    /// There is no room, and as many producers as allowed already wait for it (none may while the
    /// queue is impatient).
    case overloaded
  }

  /// What happens to producers.
  private enum Intake {
    /// They wait for room.
    case patient
    /// They are turned away if there is no room. May become patient again.
    case impatient
    /// They are refused. Final.
    case closed
  }

  private struct State {
    var elements: [Element] = []
    var bytes = 0
    var intake = Intake.patient
    /// The consumer must be woken even if there is nothing for it.
    var isWoken = false
    /// Producers that wait for room.
    var waiting = 0

    /// What the consumer gets now; nil if it has to wait.
    mutating func take(takesElements: Bool) -> Delivery? {
      guard takesElements else {
        defer { isWoken = false }
        return isWoken ? .elements([]) : nil
      }
      guard !elements.isEmpty || isWoken else { return intake == .closed ? .closed : nil }
      defer {
        elements = []
        bytes = 0
        isWoken = false
      }
      return .elements(elements)
    }
  }

  private let state = Watched(State())
  private let maximumCount: Int
  private let maximumBytes: Int
  private let maximumWaiting: Int

  /// - Parameters:
  ///   - maximumCount: Elements beyond which producers wait.
  ///   - maximumBytes: Total size beyond which producers wait.
  ///   - maximumWaiting: Producers that may wait; more are refused.
  package init(maximumCount: Int, maximumBytes: Int, maximumWaiting: Int) {
    self.maximumCount = maximumCount
    self.maximumBytes = maximumBytes
    self.maximumWaiting = maximumWaiting
  }

  /// Appends elements of a total size, waiting for room first.
  ///
  /// - Throws: ``Refusal``; then none of the elements was taken.
  package func append(_ elements: [Element], bytes: Int) async throws(Refusal) {
    let outcome: Result<Void, Refusal>? = state.change { state in
      if state.waiting == 0 || state.intake != .patient,
        let outcome = offer(elements, bytes, to: &state)
      {
        return outcome
      }
      guard state.waiting < maximumWaiting else { return .failure(.overloaded) }
      state.waiting += 1
      return nil
    }
    if let outcome { return try outcome.get() }
    let later: Result<Void, Refusal> = await state.wait { state in
      guard let outcome = self.offer(elements, bytes, to: &state) else { return nil }
      state.waiting -= 1
      return outcome
    }
    try later.get()
  }

  /// Producers that wait for room.
  package var waitingProducers: Int { state.read { $0.waiting } }

  /// Takes the elements or refuses them; nil if they have to wait.
  private func offer(
    _ elements: [Element], _ bytes: Int, to state: inout State
  ) -> Result<Void, Refusal>? {
    if state.intake == .closed { return .failure(.closed) }
    guard state.elements.count < maximumCount, state.bytes < maximumBytes else {
      return state.intake == .impatient ? .failure(.overloaded) : nil
    }
    state.elements += elements
    state.bytes += bytes
    return .success(())
  }

  /// Everything that waits; suspends until there is something, or somebody calls ``wake()``.
  ///
  /// Only one task may call this at a time.
  ///
  /// - Parameter takesElements: Whether the consumer can take elements now. If not, they stay and hold back
  ///   their producers once the queue is full, and only ``wake()`` ends the wait.
  package func next(takesElements: Bool = true) async -> Delivery {
    await state.wait { $0.take(takesElements: takesElements) }
  }

  /// Lets ``next()`` return even if nothing waits, e.g. because a timer has fired.
  package func wake() { state.change { $0.isWoken = true } }

  /// Turns away producers that wait for room, and those that would, or lets them wait again.
  package func setImpatient(_ impatient: Bool) {
    state.change { state in
      if state.intake != .closed { state.intake = impatient ? .impatient : .patient }
    }
  }

  /// Refuses new elements; the consumer gets what is left and then the end.
  package func close() { state.change { $0.intake = .closed } }
}
