// Waiting for the brokers' word.

import Synchronization
import Testing

@testable import KafkaClient

@Suite struct DeliveryTests {
  @Test func theOutcomeIsThatOfAllRecords() async {
    let delivery = Delivery(count: 3)
    async let outcome = delivery.outcome()
    delivery.report(nil, offset: 8)
    delivery.report(nil, offset: 9)
    delivery.report(nil, offset: 7)
    #expect(await outcome.failure == nil)
    #expect(await outcome.offset == 9)
  }

  @Test func theFirstFailureCounts() async {
    let delivery = Delivery(count: 3)
    delivery.report(.tooLarge, offset: -1)
    delivery.report(nil, offset: 4)
    delivery.report(.unreachable, offset: -1)
    #expect(await delivery.outcome().failure == .tooLarge)
    #expect(await delivery.outcome().offset == 4)
  }

  @Test func withoutRecordsThereIsNothingToWaitFor() async {
    #expect(await Delivery(count: 0) { Issue.record("nobody reported") }.outcome().failure == nil)
  }

  @Test func whoeverWaitsForWhatIsAbandonedGoesOn() async {
    let delivery = Delivery(count: 2)
    async let outcome = delivery.outcome()
    delivery.abandon()
    #expect(await outcome.failure == .abandoned)
    #expect(await delivery.outcome().failure == .abandoned)
  }

  @Test func theLaneIsFreeOnlyOnceAllReportsAreThere() async {
    let calls = Mutex(0)
    let delivery = Delivery(count: 2) { calls.withLock { $0 += 1 } }
    delivery.report(nil, offset: 1)
    delivery.abandon()
    #expect(calls.withLock { $0 } == 0)
    delivery.report(nil, offset: 2)
    #expect(calls.withLock { $0 } == 1)
    #expect(await delivery.outcome().failure == .abandoned)
    // One report too many changes nothing.
    delivery.report(.tooLarge, offset: 3)
    delivery.abandon()
    #expect(calls.withLock { $0 } == 1)
    #expect(await delivery.outcome().failure == .abandoned)
  }
}

@Suite struct TopicRequestsTests {
  private let requests = TopicRequests()

  private func answer(_ whenWaiting: (UInt) -> Void) async -> KafkaError? {
    await withCheckedContinuation { continuation in
      if let id = requests.add(continuation) { whenWaiting(id) }
    }
  }

  @Test func eachRequestGetsItsAnswer() async {
    #expect(await answer { requests.complete($0, nil) } == nil)
    let error = await answer { id in
      requests.complete(id + 1, nil)
      requests.complete(id, .client("no"))
      requests.complete(id, nil)
    }
    #expect(error?.description == "the Kafka client cannot be made: no")
  }

  @Test func aClientThatIsClosedAnswersAll() async {
    #expect(await answer { _ in requests.close() }?.isFinal == true)
    #expect(await answer { _ in Issue.record("taken after the end") }?.isFinal == true)
  }
}
