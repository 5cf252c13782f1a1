// Decides when a channel counts as being in error because of its brokers.

import Logging
import Ordering
import Synchronization

/// Keeps track of what is wrong, and tells the channel once it has lasted.
///
/// A short outage is nobody's business but the clients' that post. One that lasts longer than the
/// patience suspends the channel: peers that insist on a working orderer then go to another one.
final class ChainTrouble: Sendable {
  /// What can be wrong.
  enum Source: Hashable {
    case brokers
    case reading
  }

  private struct State {
    var reasons: [Source: String] = [:]
    var reason: String? { reasons.values.sorted().first }
    var generation = 0
    var isStarted = false
    var isSuspended = true
    var isClosed = false
    var isProbing = false
    var probes = 0
  }

  /// What clients are told before the chain is up.
  static let starting = "backing Kafka cluster has not completed booting; try again later"

  private let state = Mutex(State())
  private let support: any ConsenterSupport
  private let patience: Duration
  private let logger: Logger

  init(support: any ConsenterSupport, patience: Duration, logger: Logger) {
    self.support = support
    self.patience = patience
    self.logger = logger
  }

  /// The chain is up.
  func started() {
    let wait: Int? = state.withLock { state in
      state.isStarted = true
      guard !state.isClosed else { return nil }
      state.isSuspended = false
      support.recover()
      return state.reasons.isEmpty ? nil : state.generation
    }
    if let wait { suspendLater(wait) }
  }

  /// Something is wrong, or is right again (nil).
  func set(_ source: Source, _ reason: String?) {
    let wait: Int? = state.withLock { state in
      guard state.reasons[source] != reason else { return nil }
      let wasFine = state.reasons.isEmpty
      state.reasons[source] = reason
      if source == .reading, reason == nil { state.isProbing = false }
      guard !state.isClosed else { return nil }
      guard state.isStarted else {
        support.suspend(reason: Self.starting + (reason.map { ": \($0)" } ?? ""))
        return nil
      }
      if wasFine {
        state.generation += 1
        return state.generation
      }
      if state.isSuspended, let reason = state.reason { support.suspend(reason: reason) }
      if state.reasons.isEmpty, state.isSuspended {
        state.isSuspended = false
        // Within the lock, so that a suspension cannot overtake it.
        support.recover()
        logger.info("[channel: \(support.channelID)] Marked consenter as available again")
      }
      return nil
    }
    if let wait { suspendLater(wait) }
  }

  /// What is wrong; nil if nothing is.
  var problem: String? { state.withLock { $0.reason } }

  /// A number for the caller if it is the one to begin probing.
  func beginProbing() -> Int? {
    state.withLock { state in
      guard !state.isProbing, !state.isClosed else { return nil }
      state.isProbing = true
      state.probes += 1
      return state.probes
    }
  }

  /// Whether it is still unknown that reading works, and the caller is the one to find out: somebody
  /// else may have begun while it slept.
  func isProbing(_ number: Int) -> Bool {
    state.withLock { $0.isProbing && $0.probes == number && !$0.isClosed }
  }

  /// Nothing is to be told any more.
  func close() {
    state.withLock { $0.isClosed = true }
  }

  private func suspendLater(_ generation: Int) {
    Task {
      try? await Task.sleep(for: patience)
      state.withLock { state in
        guard !state.isClosed, state.generation == generation, !state.isSuspended,
          let reason = state.reason
        else { return }
        state.isSuspended = true
        support.suspend(reason: reason)
        logger.warning(
          """
          [channel: \(support.channelID)] Deliver is refused until Kafka works again, but for \
          readers that accept a channel in error: \(reason)
          """)
      }
    }
  }
}
