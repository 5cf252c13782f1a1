// Decides when a channel counts as being in error because of its brokers.

import Concurrency
import Logging
import Ordering
import Synchronization

/// Keeps track of what is wrong, and tells the channel once it has lasted.
///
/// A short outage concerns only those clients that post. One that outlasts the patience suspends the
/// channel: peers that insist on a working orderer then go to another one.
final class ChainTrouble: Sendable {
  /// Tells one period of failed reading from others.
  typealias Episode = UInt

  /// What is wrong.
  private struct Reasons: Sendable {
    var brokers: String?
    var reading: (reason: String, episode: Episode)?

    var isEmpty: Bool { brokers == nil && reading == nil }
    /// One of them.
    var first: String? { [brokers, reading?.reason].compactMap { $0 }.min() }
  }

  private enum Phase {
    /// The chain is not up, as the channel knows. → sound, worried, closed
    case starting(Reasons)
    /// → worried, closed
    case sound
    /// Something is wrong, and the channel does not know. → sound, suspended, closed
    case worried(Reasons, Alarm, number: UInt)
    /// Something is wrong, as the channel knows. → sound, closed
    case suspended(Reasons)
    /// Nothing is told any more. Final.
    case closed

    var reasons: Reasons {
      switch self {
      case .starting(let reasons), .worried(let reasons, _, _), .suspended(let reasons): reasons
      case .sound, .closed: Reasons()
      }
    }
  }

  private struct State {
    var phase = Phase.starting(Reasons())
    var lastEpisode: Episode = 0
    var lastNumber: UInt = 0
  }

  /// What clients are told before the chain is up.
  static let starting = "backing Kafka cluster has not completed booting; try again later"

  /// Held while the channel is told, so that a suspension cannot overtake a recovery.
  private let state = Mutex(State())
  private let support: any ConsenterSupport
  private let patience: Duration
  private let time: any TimeSource
  private let logger: Logger

  init(
    support: any ConsenterSupport, patience: Duration, time: any TimeSource, logger: Logger
  ) {
    self.support = support
    self.patience = patience
    self.time = time
    self.logger = logger
  }

  /// The chain is up.
  func started() {
    state.withLock { state in
      guard case .starting(let reasons) = state.phase else { return }
      support.recover()
      if reasons.isEmpty { state.phase = .sound } else { worry(reasons, &state) }
    }
  }

  /// The brokers are gone, for a reason, or back (nil).
  func brokers(_ reason: String?) {
    state.withLock { state in
      var reasons = state.phase.reasons
      guard reasons.brokers != reason else { return }
      reasons.brokers = reason
      take(reasons, &state)
    }
  }

  /// Reading fails, for a reason.
  ///
  /// - Returns: A number if it did not fail before: the caller then has to find out when it works again.
  func readingFailed(_ reason: String) -> Episode? {
    state.withLock { state in
      var reasons = state.phase.reasons
      guard reasons.reading?.reason != reason else { return nil }
      if case .closed = state.phase { return nil }
      let isNew = reasons.reading == nil
      if isNew { state.lastEpisode += 1 }
      reasons.reading = (reason, state.lastEpisode)
      take(reasons, &state)
      return isNew ? state.lastEpisode : nil
    }
  }

  /// Reading works.
  func readingWorks() {
    state.withLock { state in
      var reasons = state.phase.reasons
      guard reasons.reading != nil else { return }
      reasons.reading = nil
      take(reasons, &state)
    }
  }

  /// Whether reading has failed ever since this episode began.
  func isReadingFailing(since episode: Episode) -> Bool {
    state.withLock { $0.phase.reasons.reading?.episode == episode }
  }

  /// What is wrong; nil if all is well.
  var problem: String? { state.withLock { $0.phase.reasons.first } }

  /// Tells nothing from now on.
  func close() {
    state.withLock { state in
      if case .worried(_, let alarm, _) = state.phase { alarm.cancel() }
      state.phase = .closed
    }
  }

  /// What is wrong has changed.
  private func take(_ reasons: Reasons, _ state: inout State) {
    switch state.phase {
    case .closed: break
    case .starting:
      state.phase = .starting(reasons)
      support.suspend(reason: Self.starting + (reasons.first.map { ": \($0)" } ?? ""))
    case .sound: worry(reasons, &state)
    case .worried(_, let alarm, let number):
      if reasons.isEmpty {
        alarm.cancel()
        state.phase = .sound
      } else {
        state.phase = .worried(reasons, alarm, number: number)
      }
    case .suspended:
      if let reason = reasons.first {
        state.phase = .suspended(reasons)
        support.suspend(reason: reason)
      } else {
        state.phase = .sound
        support.recover()
        logger.info("[channel: \(support.channelID)] Marked consenter as available again")
      }
    }
  }

  /// Something is wrong, which the channel is told if it lasts.
  private func worry(_ reasons: Reasons, _ state: inout State) {
    state.lastNumber += 1
    let number = state.lastNumber
    let alarm = Alarm(after: patience, on: time) { [weak self] in self?.losePatience(number) }
    state.phase = .worried(reasons, alarm, number: number)
  }

  private func losePatience(_ number: UInt) {
    state.withLock { state in
      guard case .worried(let reasons, _, number) = state.phase, let reason = reasons.first else {
        return
      }
      state.phase = .suspended(reasons)
      support.suspend(reason: reason)
      logger.warning(
        """
        [channel: \(support.channelID)] Deliver is refused until Kafka works again, but for \
        readers that accept a channel in error: \(reason)
        """)
    }
  }
}
