// Tests that compute and tests that talk take turns.

import Concurrency
import TestSupport
import Testing

@Suite struct LoadGateTests {
  private let gate = LoadGate()

  @Test func thoseOfOneKindAreInsideTogether() async {
    await gate.enter(.heavy)
    await gate.enter(.heavy)
    gate.leave()
    gate.leave()
    await gate.enter(.sockets)
    await gate.enter(.sockets)
  }

  @Test func neverAreBothKindsInside() async {
    let inside = Watched([Load: Int]())
    let meetings = Watched(0)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask {
          let load = number.isMultiple(of: 3) ? Load.heavy : .sockets
          await gate.enter(load)
          inside.change { $0[load, default: 0] += 1 }
          await Task.yield()
          let isAlone = inside.read { $0.filter { $0.value > 0 }.count == 1 }
          if !isAlone { meetings.change { $0 += 1 } }
          inside.change { $0[load, default: 0] -= 1 }
          gate.leave()
        }
      }
    }
    #expect(meetings.read { $0 } == 0)
  }

  @Test func newcomersDoNotOvertakeTheOtherKind() async {
    let order = Watched([Load]())
    await gate.enter(.sockets)
    async let heavy: Void = {
      await gate.enter(.heavy)
      order.change { $0.append(.heavy) }
      gate.leave()
    }()
    while gate.waiting < 1 { await Task.yield() }
    async let newcomer: Void = {
      await gate.enter(.sockets)
      order.change { $0.append(.sockets) }
      gate.leave()
    }()
    while gate.waiting < 2 { await Task.yield() }
    gate.leave()
    _ = await (heavy, newcomer)
    #expect(order.read { $0 } == [.heavy, .sockets])
  }
}
