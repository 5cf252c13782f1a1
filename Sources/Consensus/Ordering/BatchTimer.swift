// Which batch timer runs, for the cores of consenters, which know no clock.

/// The batch timer of a core: at most one runs, and each has a number of its own.
///
/// A value. The surroundings start a timer when they are told its number, and return the number
/// when it expires.
package struct BatchTimer: Sendable {
  /// Tells a running timer from one that was stopped while its expiry was under way.
  package typealias ID = UInt64

  private var running: ID?
  private var started: ID = 0

  package init() {}

  /// Whether a timer runs.
  package var isRunning: Bool { running != nil }

  /// Starts a new timer, in place of a running one.
  package mutating func start() -> ID {
    started += 1
    running = started
    return started
  }

  /// Forgets the running timer; false if there is none.
  package mutating func stop() -> Bool {
    defer { running = nil }
    return running != nil
  }

  /// Takes the expiry of a timer; false if that timer was stopped meanwhile, so that its expiry has
  /// no effect.
  package mutating func expire(_ id: ID) -> Bool {
    guard running == id else { return false }
    running = nil
    return true
  }
}
