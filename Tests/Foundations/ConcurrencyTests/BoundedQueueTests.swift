// The queue of a chain: bounded, in order, and nobody waits for ever.

import Testing

@testable import Concurrency

@Suite struct BoundedQueueTests {
  @Test func whatEachProducerAppendsComesOutInItsOrder() async throws {
    let queue = BoundedQueue<(producer: Int, number: Int)>(
      maximumCount: 10, maximumBytes: 1 << 20, maximumWaiting: 100)
    let perProducer = 500
    let received = try await withThrowingTaskGroup(of: Void.self) { group in
      for producer in 0..<8 {
        group.addTask {
          for number in 0..<perProducer { try await queue.append([(producer, number)], bytes: 1) }
        }
      }
      var received = [[Int]](repeating: [], count: 8)
      while received.reduce(0, { $0 + $1.count }) < 8 * perProducer {
        guard case .elements(let elements) = await queue.next() else { break }
        #expect(elements.count <= 10)
        for element in elements { received[element.producer].append(element.number) }
      }
      try await group.waitForAll()
      return received
    }
    for numbers in received { #expect(numbers == Array(0..<perProducer)) }
  }

  @Test func aFullQueueHoldsItsProducersBackUntilThereIsRoom() async throws {
    let queue = BoundedQueue<Int>(maximumCount: 100, maximumBytes: 10, maximumWaiting: 100)
    try await queue.append([1], bytes: 10)
    let producer = Task { try await queue.append([2], bytes: 1) }
    while queue.waitingProducers == 0 { await Task.yield() }
    guard case .elements(let first) = await queue.next() else { return #expect(Bool(false)) }
    #expect(first == [1])
    try await producer.value
    guard case .elements(let second) = await queue.next() else { return #expect(Bool(false)) }
    #expect(second == [2])
  }

  @Test func producersGetTheirTurnInTheOrderInWhichTheyCame() async throws {
    let queue = BoundedQueue<Int>(maximumCount: 1, maximumBytes: 10, maximumWaiting: 5)
    try await queue.append([0], bytes: 1)
    var producers: [Task<Void, any Error>] = []
    for number in 1...3 {
      producers.append(Task { try await queue.append([number], bytes: 1) })
      while queue.waitingProducers < number { await Task.yield() }
    }
    var received: [Int] = []
    while received.count < 4, case .elements(let elements) = await queue.next() {
      received += elements
    }
    #expect(received == [0, 1, 2, 3])
    for producer in producers { try await producer.value }
  }

  @Test func tooManyWaitingProducersAreRefused() async throws {
    let queue = BoundedQueue<Int>(maximumCount: 1, maximumBytes: 10, maximumWaiting: 0)
    try await queue.append([1], bytes: 1)
    await #expect(throws: BoundedQueue<Int>.Refusal.overloaded) {
      try await queue.append([2], bytes: 1)
    }
  }

  @Test func closingEndsProducersAndConsumer() async throws {
    let queue = BoundedQueue<Int>(maximumCount: 1, maximumBytes: 10, maximumWaiting: 5)
    try await queue.append([1], bytes: 1)
    let producer = Task { try await queue.append([2], bytes: 1) }
    while queue.waitingProducers == 0 { await Task.yield() }
    queue.close()
    await #expect(throws: BoundedQueue<Int>.Refusal.closed) { try await producer.value }
    guard case .elements([1]) = await queue.next() else { return #expect(Bool(false)) }
    guard case .closed = await queue.next() else { return #expect(Bool(false)) }
  }

  @Test func wakingReturnsWithoutElements() async {
    let queue = BoundedQueue<Int>(maximumCount: 1, maximumBytes: 10, maximumWaiting: 5)
    let consumer = Task { await queue.next() }
    queue.wake()
    guard case .elements(let elements) = await consumer.value else { return #expect(Bool(false)) }
    #expect(elements.isEmpty)
  }

  @Test func aConsumerThatCannotTakeElementsIsOnlyWoken() async throws {
    let queue = BoundedQueue<Int>(maximumCount: 1, maximumBytes: 10, maximumWaiting: 5)
    try await queue.append([1], bytes: 1)
    let consumer = Task { await queue.next(takesElements: false) }
    queue.close()
    queue.wake()
    guard case .elements(let none) = await consumer.value else { return #expect(Bool(false)) }
    #expect(none.isEmpty)
    guard case .elements([1]) = await queue.next() else { return #expect(Bool(false)) }
    guard case .closed = await queue.next() else { return #expect(Bool(false)) }
  }

  @Test func anImpatientQueueSendsProducersAwayInsteadOfLettingThemWait() async throws {
    let queue = BoundedQueue<Int>(maximumCount: 1, maximumBytes: 10, maximumWaiting: 100)
    try await queue.append([1], bytes: 1)
    let producer = Task { try await queue.append([2], bytes: 1) }
    queue.setImpatient(true)
    await #expect(throws: BoundedQueue<Int>.Refusal.overloaded) { try await producer.value }
    await #expect(throws: BoundedQueue<Int>.Refusal.overloaded) {
      try await queue.append([3], bytes: 1)
    }
    queue.setImpatient(false)
    _ = await queue.next()
    try await queue.append([4], bytes: 1)
    guard case .elements([4]) = await queue.next() else { return #expect(Bool(false)) }
  }
}
