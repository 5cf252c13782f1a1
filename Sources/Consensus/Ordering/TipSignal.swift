// Wakes the readers at the end of a chain.

import Concurrency

/// What happens at the tip of a channel: it grows, or its chain is in error.
///
/// One signal serves all readers of a channel; a reader waits without a task or timer of its own.
package final class TipSignal: Sendable {
  /// Why a wait ended.
  package enum Event: Sendable, Equatable {
    /// The chain has more blocks than the reader knew.
    case grown
    /// The chain cannot go on, or stops; or there is no chain here any more, and the reader has all of its blocks.
    case errored(String)
    /// The waiting task was cancelled.
    case cancelled
  }

  /// How the chain is, with the reason if it is in error.
  fileprivate enum Condition {
    case working
    /// In error for the time being.
    case suspended(String)
    /// In error for good.
    case failed(String)
    /// Not ordered here any more: nothing comes, however patient a reader is.
    case ended(String)

    var error: String? {
      switch self {
      case .working: nil
      case .suspended(let reason), .failed(let reason), .ended(let reason): reason
      }
    }

    var failure: String? {
      switch self {
      case .failed(let reason), .ended(let reason): reason
      case .working, .suspended: nil
      }
    }

    var end: String? {
      if case .ended(let reason) = self { reason } else { nil }
    }

    mutating func suspend(_ reason: String) {
      if failure == nil { self = .suspended(reason) }
    }

    mutating func recover() {
      if failure == nil { self = .working }
    }

    /// Final but for an end. The first reason stays.
    mutating func fail(_ reason: String) {
      if failure == nil { self = .failed(reason) }
    }

    /// Final. The first reason stays.
    mutating func finish(_ reason: String) {
      if end == nil { self = .ended(reason) }
    }
  }

  struct State {
    var height: UInt64
    fileprivate var condition = Condition.working

    /// What a reader that knows `known` blocks learns; nil if it has to wait.
    func event(beyond known: UInt64, heedsErrors: Bool) -> Event? {
      if heedsErrors, let error = condition.error { return .errored(error) }
      if height > known { return .grown }
      return condition.end.map(Event.errored)
    }
  }

  let state: Watched<State>

  package init(height: UInt64) {
    state = Watched(State(height: height))
  }

  /// Blocks that readers may see.
  package var height: UInt64 { state.read { $0.height } }

  /// Why the chain is in error; nil while it works.
  package var error: String? { state.read { $0.condition.error } }

  /// Why the chain is in error for good; nil while it works, and while its error may pass.
  package var failure: String? { state.read { $0.condition.failure } }

  /// Readers that wait.
  package var waiterCount: Int { state.waiterCount }

  /// Announces a new number of blocks.
  package func grow(to height: UInt64) { state.change { $0.height = max($0.height, height) } }

  /// Announces that the chain is in error for good. The first reason stays.
  package func fail(_ reason: String) { state.change { $0.condition.fail(reason) } }

  /// Announces that no blocks come from here any more. Also readers who do not heed errors are told, once they have all
  /// that there are.
  package func end(_ reason: String) { state.change { $0.condition.finish(reason) } }

  /// Announces that the chain is in error until ``recover()``.
  package func suspend(_ reason: String) { state.change { $0.condition.suspend(reason) } }

  /// Announces that the chain works again, unless it has failed for good.
  package func recover() { state.change { $0.condition.recover() } }

  /// Waits until there are more than `height` blocks, or the chain is in error (unless `heedsErrors` is
  /// false), or has ended here, or the task is cancelled.
  package func wait(beyond height: UInt64, heedsErrors: Bool) async -> Event {
    await state.waitUnlessCancelled { $0.event(beyond: height, heedsErrors: heedsErrors) }
      ?? .cancelled
  }
}
