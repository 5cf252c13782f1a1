// Waiting at the end of a chain. A session is woken when its client's certificate expires, and
// ``SessionAccess`` then ends it.

import Concurrency
import Foundation
import Ordering

/// The wait of one session for its next block.
struct TipWait {
  let tip: TipSignal
  let clock: DeliverClock

  enum Event: Equatable {
    /// There are more blocks than the reader knew.
    case grown
    /// The chain cannot go on, or stops.
    case errored(String)
    /// The client's certificate has expired.
    case expired
    /// The task was cancelled.
    case cancelled
  }

  /// A timer is set only for an expiry that is closer than this, in seconds. Without a timer, an
  /// expired session ends when the next block comes, and does not get that block.
  static let expiryHorizon: TimeInterval = 24 * 3_600
  /// How much later than the certificate a timer ends, in seconds, so that the clock has passed the
  /// expiry.
  static let margin: TimeInterval = 0.01

  /// Waits for more than `height` blocks, at most until `expiry`.
  func wait(beyond height: UInt64, heedsErrors: Bool, until expiry: Date?) async -> Event {
    let remaining = expiry?.timeIntervalSince(clock.now()) ?? .infinity
    guard remaining < Self.expiryHorizon else {
      return Event(await tip.wait(beyond: height, heedsErrors: heedsErrors))
    }
    let event = await withTimeLimit(.seconds(max(0, remaining) + Self.margin), on: clock.time) {
      await tip.wait(beyond: height, heedsErrors: heedsErrors)
    }
    if Task.isCancelled { return .cancelled }
    return event.map(Event.init) ?? .expired
  }
}

extension TipWait.Event {
  fileprivate init(_ event: TipSignal.Event) {
    switch event {
    case .grown: self = .grown
    case .errored(let reason): self = .errored(reason)
    case .cancelled: self = .cancelled
    }
  }
}
