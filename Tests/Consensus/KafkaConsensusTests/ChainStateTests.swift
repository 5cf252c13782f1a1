// The life of a chain, and what its task is told.

import KafkaClient
import Testing

@testable import KafkaConsensus

@Suite struct ChainStateTests {
  private let task = Task<Void, Never> {}
  private let route: ChainState.Route

  init() throws {
    let brokers = FakeBrokers()
    route = ChainState.Route(brokers: brokers, writer: try brokers.writer(of: "t"))
  }

  @Test func clientsPostOnlyWhileTheChainOrders() throws {
    var state = ChainState()
    #expect(state.route == nil)
    state.start { task }
    #expect(state.route == nil)
    try state.beginOrdering(route)
    #expect(state.route != nil)
    state.fail()
    #expect(state.route == nil)
    #expect(!state.isHalted)
  }

  @Test func aChainStartsOnce() {
    var state = ChainState()
    var starts = 0
    for _ in 0..<2 {
      state.start {
        starts += 1
        return task
      }
    }
    #expect(starts == 1)
  }

  @Test func aHaltIsFinal() throws {
    var state = ChainState()
    state.start { task }
    // Nothing can be half written yet.
    #expect(state.halt().task == nil)
    #expect(throws: Halted.self) { try state.beginOrdering(route) }
    state.fail()
    #expect(state.isHalted)

    state = ChainState()
    state.start { task }
    try state.beginOrdering(route)
    #expect(state.halt().task == task)
    // Whoever halts a second time has to wait as well.
    #expect(state.halt().task == task)
    #expect(state.route == nil)
  }

  @Test func aHaltEndsTheWaitForTheBrokersWord() {
    var state = ChainState()
    state.start { task }
    let delivery = Delivery(count: 1)
    #expect(state.await(delivery) == true)
    #expect(state.halt().awaited === delivery)
    #expect(state.await(delivery) == false)
  }

  @Test func ofEachKindOfNewsTheNewestWaits() {
    var state = ChainState()
    state.tell(.readingDoubted("a"))
    state.tell(.timeToCutFailed)
    state.tell(.readingDoubted("b"))
    state.tell(.timeToCutFailed)
    let news = state.takeNews()
    #expect(news.count == 2)
    guard case .readingDoubted("b")? = news.first else { return #expect(Bool(false)) }
    #expect(state.takeNews().isEmpty)
  }

  @Test func brokersThatAreGoneAgainHaveNotReturned() {
    var state = ChainState()
    #expect(state.takeReturn() == false)
    state.tell(.brokersReturned)
    state.forgetReturn()
    #expect(state.takeReturn() == false)
    state.tell(.brokersReturned)
    #expect(state.takeReturn() == true)
    #expect(state.takeReturn() == false)
  }
}
