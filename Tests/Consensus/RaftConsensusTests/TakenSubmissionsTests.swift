// What a leader takes of what other nodes hand on, perhaps again.

import Ordering
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct TakenSubmissionsTests {
  private func origin(_ number: UInt64, life: UInt64 = 1, term: UInt64 = 3) -> SubmissionOrigin {
    SubmissionOrigin(life: life, term: term, series: 0, number: number)
  }

  @Test func whatComesAgainIsNotTaken() {
    var taken = TakenSubmissions()
    let first = (5...7).map { taken.take(origin($0), from: 2, term: 3) }
    let again = (4...9).map { taken.take(origin($0), from: 2, term: 3) }
    #expect(first == [true, true, true])
    #expect(again == [false, false, false, false, true, true])
  }

  @Test func eachNodeAndEachOfItsLivesCountsOnItsOwn() {
    var taken = TakenSubmissions()
    let one = taken.take(origin(5), from: 2, term: 3)
    let other = taken.take(origin(5), from: 4, term: 3)
    let restarted = taken.take(origin(1, life: 2), from: 2, term: 3)
    #expect(one && other && restarted)
  }

  @Test func whatWasForAnotherTermComesAgain() {
    var taken = TakenSubmissions()
    let late = taken.take(origin(5, term: 2), from: 2, term: 3)
    let begin = taken.take(origin(3), from: 2, term: 3)
    #expect(!late && begin)
  }

  @Test func nodesThatDoNotSayAreBelieved() {
    var taken = TakenSubmissions()
    let all = (0..<3).map { _ in taken.take(nil, from: 2, term: 3) }
    #expect(all == [true, true, true])
  }
}
