import TestSupport
import Testing

@testable import RaftCore

@Suite struct TermRunsTests {
  /// Against a list of all terms.
  @Test func knowsTheTermOfEachEntry() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<200 {
      var terms: [Term] = [random.next() % 3]
      var base = LogIndex(random.next() % 4)
      if base == 0 { terms[0] = 0 }
      var runs = TermRuns(after: LogPosition(term: terms[0], index: base))
      for _ in 0..<60 {
        switch random.next() % 6 {
        case 0:
          let kept = Int(random.next() % UInt64(terms.count)) + 1
          runs.truncate(to: base + LogIndex(kept) - 1)
          terms.removeLast(terms.count - kept)
        case 1:
          let gone = Int(random.next() % UInt64(terms.count))
          runs.compact(through: base + LogIndex(gone))
          terms.removeFirst(gone)
          base += LogIndex(gone)
        default:
          let term = terms[terms.count - 1] + random.next() % 2
          runs.append(max(term, 1))
          terms.append(max(term, 1))
        }
        check(runs, terms, base)
      }
    }
  }

  private func check(_ runs: TermRuns, _ terms: [Term], _ base: LogIndex) {
    #expect(runs.base == LogPosition(term: terms[0], index: base))
    #expect(runs.last == base + LogIndex(terms.count) - 1)
    for (place, term) in terms.enumerated() {
      #expect(runs.term(at: base + LogIndex(place)) == term)
    }
    #expect(base == 0 || runs.term(at: base - 1) == nil)
    #expect(runs.term(at: runs.last + 1) == nil)
    for term in 0...(terms[terms.count - 1] + 1) {
      #expect(runs.conflict(upTo: runs.last, term: term) == conflict(terms, base, term))
    }
  }

  /// Step by step from the end.
  private func conflict(_ terms: [Term], _ base: LogIndex, _ term: Term) -> LogPosition {
    var index = base + LogIndex(terms.count) - 1
    while index > 0 {
      guard index >= base else { return LogPosition(term: 0, index: index) }
      let ours = terms[Int(index - base)]
      if ours <= term { return LogPosition(term: ours, index: index) }
      index -= 1
    }
    return LogPosition()
  }

  @Test func knowsNothingOutsideOfTheLog() {
    var runs = TermRuns(after: LogPosition(term: 2, index: 5))
    runs.append(3)
    #expect(runs.conflict(upTo: 9, term: 1) == LogPosition(term: 0, index: 9))
    #expect(runs.conflict(upTo: 3, term: 9) == LogPosition(term: 0, index: 3))
    runs.truncate(to: 1)
    #expect(runs.last == 5)
    runs.compact(through: 99)
    #expect(runs.base == LogPosition(term: 2, index: 5))
  }
}
