// Tests that compute and tests that talk take turns.

import Synchronization
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
    let inside = Mutex([Load: Int]())
    let meetings = Mutex(0)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask {
          let load = number.isMultiple(of: 3) ? Load.heavy : .sockets
          await gate.enter(load)
          inside.withLock { $0[load, default: 0] += 1 }
          await Task.yield()
          let isAlone = inside.withLock { $0.filter { $0.value > 0 }.count == 1 }
          if !isAlone { meetings.withLock { $0 += 1 } }
          inside.withLock { $0[load, default: 0] -= 1 }
          gate.leave()
        }
      }
    }
    #expect(meetings.withLock { $0 } == 0)
  }

  @Test func newcomersDoNotOvertakeTheOtherKind() async {
    let order = Mutex([Load]())
    await gate.enter(.sockets)
    async let heavy: Void = {
      await gate.enter(.heavy)
      order.withLock { $0.append(.heavy) }
      gate.leave()
    }()
    while gate.waiting < 1 { await Task.yield() }
    async let newcomer: Void = {
      await gate.enter(.sockets)
      order.withLock { $0.append(.sockets) }
      gate.leave()
    }()
    while gate.waiting < 2 { await Task.yield() }
    gate.leave()
    _ = await (heavy, newcomer)
    #expect(order.withLock { $0 } == [.heavy, .sockets])
  }
}
