// When messages may go to a leader, and when all of them have to go again.

import Concurrency
import RaftCore

/// The way from this node's clients to whoever leads.
///
/// A value without clock or I/O.
struct Handover: Sendable, Equatable {
  /// How long a stream that broke is left alone at most: whoever leads may still make blocks of what came on it.
  static let longestDoubt = Duration.seconds(10)

  enum Phase: Sendable, Equatable {
    /// Nobody leads, or what earlier leaders did is not all applied here.
    case settling
    /// The leader takes messages.
    case open
    /// Messages are on their way to it, and no others go before they are.
    case busy
    /// A stream to it broke: what went on it goes again, unless it is in a block by then.
    case doubtful(until: TimeSource.Instant)
  }

  private(set) var phase = Phase.settling
  /// 0 for nobody.
  private(set) var leader: NodeID = 0
  /// Tells answers to an earlier leader's messages from later ones.
  private(set) var number = 0

  var isOpen: Bool { phase == .open }

  /// Somebody else leads, or nobody, or the same node in another term.
  mutating func led(by leader: NodeID) {
    self.leader = leader
    number += 1
    phase = .settling
  }

  /// Everything is applied that earlier leaders have done.
  mutating func settled() {
    if phase == .settling, leader != 0 { phase = .open }
  }

  /// Messages are being handed on.
  mutating func begin() { if phase == .open { phase = .busy } }

  /// They are on the leader's stream.
  mutating func handedOn(_ number: Int) {
    if number == self.number, phase == .busy { phase = .open }
  }

  /// The stream to a node ended, or messages could not be handed on.
  ///
  /// - Parameter batchTimeout: The leader makes a block of what it has within this time.
  mutating func lost(
    _ node: NodeID, now: TimeSource.Instant, batchTimeout: Duration
  ) {
    guard node == leader, phase == .open || phase == .busy else { return }
    number += 1
    phase = .doubtful(until: now + min(batchTimeout * 2, Self.longestDoubt))
  }

  /// Whether the doubt is over: then everything has to be handed on again, from now on.
  mutating func takeDoubt(now: TimeSource.Instant) -> Bool {
    guard case .doubtful(let deadline) = phase, now >= deadline else { return false }
    phase = .open
    return true
  }
}
