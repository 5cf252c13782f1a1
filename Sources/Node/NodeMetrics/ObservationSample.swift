// The observations of a histogram that wait for statsd: a bounded, uniform sample of them.

import Synchronization

/// How many observations may wait in all histograms together.
final class ObservationBudget: Sendable {
  private let left: Atomic<Int>

  init(_ limit: Int) { left = Atomic(limit) }

  func take() -> Bool {
    if left.subtract(1, ordering: .relaxed).newValue >= 0 { return true }
    left.add(1, ordering: .relaxed)
    return false
  }

  func giveBack(_ count: Int) { left.add(count, ordering: .relaxed) }
}

/// A sample of the observations since the last report. Below its limit it has them all; beyond, each
/// has the same chance to be in it (Vitter's algorithm R), and statsd is told the rate.
final class ObservationSample: Sendable {
  /// Most observations of one series that wait for the next report.
  static let limit = 1024

  private struct State {
    var kept: [Double] = []
    var seen: UInt64 = 0
    var random = UInt64.random(in: 1 ... .max)

    /// xorshift64*: which observation stays need not be unpredictable, only quick.
    mutating func next(below bound: UInt64) -> UInt64 {
      random ^= random >> 12
      random ^= random << 25
      random ^= random >> 27
      return (random &* 0x2545_F491_4F6C_DD1D).multipliedFullWidth(by: bound).high
    }
  }

  private let budget: ObservationBudget
  private let state = Mutex(State())

  init(budget: ObservationBudget) { self.budget = budget }

  deinit { budget.giveBack(state.withLock { $0.kept.count }) }

  func add(_ value: Double) {
    state.withLock { state in
      state.seen &+= 1
      if state.kept.count < Self.limit, budget.take() {
        state.kept.append(value)
      } else if !state.kept.isEmpty {
        let place = state.next(below: state.seen)
        if place < UInt64(state.kept.count) { state.kept[Int(place)] = value }
      }
    }
  }

  /// Takes what waits: the sample, and how many observations it stands for.
  func take() -> (values: [Double], seen: UInt64) {
    let taken = state.withLock { state in
      let taken = (state.kept, state.seen)
      state.kept = []
      state.seen = 0
      return taken
    }
    budget.giveBack(taken.0.count)
    return taken
  }
}
