// Lets tests of one kind in at a time, fairly.

import Concurrency

/// A gate between two kinds of tests.
///
/// Any number of tests of one kind may be inside. Once tests of the other kind wait, no new ones
/// follow; when the last has left, all of the other kind that wait by then come in together. So
/// each kind gets its turn, and turns are few.
package final class LoadGate: Sendable {
  private struct State {
    /// The kind of those inside.
    var load = Load.sockets
    var inside = 0
    /// How many of those who waited when this turn began have yet to come in.
    var invited = 0
    var waiting: [Load: Int] = [:]

    mutating func enter(_ newcomer: Load) -> Bool {
      if inside == 0 {
        load = newcomer
        invited = waiting[newcomer, default: 0]
      }
      let othersWait = waiting.contains { $0.key != load && $0.value > 0 }
      guard newcomer == load, invited > 0 || !othersWait else { return false }
      inside += 1
      invited = max(0, invited - 1)
      return true
    }
  }

  private let state = Watched(State())

  package init() {}

  /// Waits for the turn of such tests.
  package func enter(_ load: Load) async {
    let isInside = state.change { state in
      if state.waiting.values.allSatisfy({ $0 == 0 }), state.enter(load) { return true }
      state.waiting[load, default: 0] += 1
      return false
    }
    if isInside { return }
    await state.wait { state -> Void? in
      guard state.enter(load) else { return nil }
      state.waiting[load, default: 0] -= 1
      return ()
    }
  }

  /// How many wait for their turn.
  package var waiting: Int { state.read { $0.waiting.values.reduce(0, +) } }

  /// Call this once for each ``enter(_:)``.
  package func leave() { state.change { $0.inside -= 1 } }
}
