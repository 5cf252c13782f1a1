// Whether brokers can be reached, and who is told.

import Concurrency
import Foundation
import Logging
import Synchronization
import Testing

@testable import KafkaClient

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite struct ReachabilityTests {
  private let reachability = Reachability(brokers: "a, b", time: ManualTime(), logger: silent)

  /// What an observer has heard; an empty text is the news that all is well.
  private final class Ear: Sendable {
    private let heard = Mutex<[String]>([])

    func hear(_ problem: String?) { heard.withLock { $0.append(problem ?? "") } }
    var all: [String] { heard.withLock { $0 } }
  }

  @Test func onlyASearchThatFindsNobodyIsAnOutage() {
    reachability.suspect()
    #expect(!reachability.isDown)
    reachability.down()
    #expect(reachability.isDown)
    #expect(reachability.problem == "none of the Kafka brokers a, b can be reached")
    reachability.up()
    #expect(!reachability.isDown)
    #expect(reachability.problem == nil)
  }

  @Test func withoutASuspicionNobodyHasSearched() {
    reachability.down()
    #expect(!reachability.isDown)
  }

  @Test func theReasonIsThatOfTheLastFailure() {
    reachability.suspect()
    reachability.failed("a:1/1: Connect failed: Connection refused (after 0ms in state CONNECT)")
    reachability.down()
    #expect(
      reachability.problem?.hasSuffix("(Kafka broker a:1: Connect failed: Connection refused)")
        == true)
    reachability.failed("b:1/2: Connect failed: No route to host (after 0ms in state CONNECT)")
    reachability.down()
    #expect(reachability.problem?.contains("No route to host") == true)
  }

  @Test func observersHearOfEachChangeOnce() {
    let ear = Ear()
    let id = reachability.observe { ear.hear($0) }
    reachability.suspect()
    reachability.down()
    reachability.down()
    reachability.up()
    reachability.up()
    #expect(ear.all.map(\.isEmpty) == [false, true])
    reachability.down()
    reachability.stopObserving(id)
    reachability.up()
    #expect(ear.all.map(\.isEmpty) == [false, true, false])
  }

  @Test func whoComesLateHearsOfAnOutageAtOnce() {
    reachability.suspect()
    reachability.down()
    let ear = Ear()
    _ = reachability.observe { ear.hear($0) }
    #expect(ear.all.count == 1)
  }

  @Test func theLastThingThatObserversHearIsWhatHolds() {
    let ear = Ear()
    let isTelling = DispatchSemaphore(value: 0)
    let goesOn = DispatchSemaphore(value: 0)
    _ = reachability.observe { problem in
      if problem != nil {
        isTelling.signal()
        goesOn.wait()
      }
      ear.hear(problem)
    }
    reachability.suspect()
    let done = DispatchGroup()
    let queue = DispatchQueue(label: "test", attributes: .concurrent)
    queue.async(group: done) { reachability.down() }
    isTelling.wait()
    // While the observer hears of the outage, the outage ends.
    queue.async(group: done) { reachability.up() }
    while reachability.isDown { Thread.sleep(forTimeInterval: 0.001) }
    goesOn.signal()
    done.wait()
    #expect(ear.all.map(\.isEmpty).last == true)
  }

  @Test func nothingIsToldAfterTheEnd() {
    let ear = Ear()
    _ = reachability.observe { ear.hear($0) }
    reachability.suspect()
    reachability.close()
    reachability.down()
    #expect(!reachability.isDown)
    #expect(reachability.isClosed)
    #expect(reachability.suspicions == nil)
    #expect(ear.all.isEmpty)
  }

  // MARK: Searches

  @Test func oneSearchRunsHoweverManySuspicionsThereAre() {
    let searches = Mutex(0)
    reachability.onSuspicion { searches.withLock { $0 += 1 } }
    reachability.suspect()
    reachability.suspect()
    reachability.down()
    reachability.up()
    reachability.suspect()
    #expect(searches.withLock { $0 } == 1)
    #expect(reachability.found(asOf: 3))
    reachability.suspect()
    #expect(searches.withLock { $0 } == 2)
  }

  @Test func aSuspicionFromBeforeAnybodyCouldSearchIsNotLost() {
    reachability.suspect()
    let searches = Mutex(0)
    reachability.onSuspicion { searches.withLock { $0 += 1 } }
    #expect(searches.withLock { $0 } == 1)
  }

  @Test func aSearchGoesOnIfAConnectionIsLostMeanwhile() throws {
    reachability.suspect()
    let suspicions = try #require(reachability.suspicions)
    reachability.suspect()
    #expect(!reachability.found(asOf: suspicions))
    #expect(reachability.found(asOf: suspicions + 1))
  }
}

@Suite struct BrokerSearchTests {
  private let time = ManualTime()
  private let answers = Watched<[BrokerSearch.Answers]>([])
  private let rounds = Watched(0)

  private func search(_ reachability: Reachability, whenNone: @escaping @Sendable () -> Void = {})
    -> BrokerSearch
  {
    BrokerSearch(
      reachability: reachability, time: time, pause: .milliseconds(250),
      ask: { [answers, rounds] in
        rounds.change { $0 += 1 }
        return await answers.wait { $0.isEmpty ? nil : $0.removeFirst() }
      }, whenNone: whenNone)
  }

  @Test func aSearchEndsWhenAllConnectionsHaveAnswers() async {
    let reachability = Reachability(brokers: "a", time: time, logger: silent)
    reachability.suspect()
    let purges = Mutex(0)
    let search = search(reachability) { purges.withLock { $0 += 1 } }
    let task = Task { await search.run() }
    answers.change { $0 = [.none] }
    await time.waitForSleepers(1)
    #expect(reachability.isDown)
    #expect(purges.withLock { $0 } == 1)
    answers.change { $0 = [.some] }
    time.advance(by: .milliseconds(250))
    await time.waitForSleepers(1)
    #expect(reachability.isDown)
    answers.change { $0 = [.all] }
    time.advance(by: .milliseconds(250))
    await task.value
    #expect(!reachability.isDown)
    #expect(rounds.read { $0 } == 3)
  }

  @Test func aSearchEndsWithTheClient() async {
    let reachability = Reachability(brokers: "a", time: time, logger: silent)
    reachability.suspect()
    let search = search(reachability)
    let task = Task { await search.run() }
    answers.change { $0 = [.none] }
    await time.waitForSleepers(1)
    reachability.close()
    time.advance(by: .milliseconds(250))
    await task.value
    #expect(rounds.read { $0 } == 1)
  }
}

@Suite struct ComplaintsTests {
  private let begin = ManualTime().now

  @Test func aProblemIsToldOnceInAWhile() {
    var complaints = Complaints()
    func isTold(
      _ broker: String, _ kind: BrokerFailure.Kind = .password, after time: Duration
    ) -> Bool {
      complaints.admits(Complaints.Complaint(kind: kind, broker: broker), at: begin + time)
    }
    #expect(isTold("a", after: .zero))
    #expect(!isTold("a", after: .seconds(299)))
    #expect(isTold("b", after: .seconds(299)))
    #expect(isTold("a", .protocols, after: .seconds(299)))
    #expect(isTold("a", after: Complaints.repetition))
  }

  @Test func theMemoryHasABound() {
    var complaints = Complaints()
    func isTold(_ broker: String) -> Bool {
      complaints.admits(Complaints.Complaint(kind: .password, broker: broker), at: begin)
    }
    for number in 0..<Complaints.maximum { #expect(isTold("\(number)")) }
    #expect(!isTold("0"))
    #expect(isTold("one more"))
    #expect(isTold("0"))
  }
}
