import RaftCore
import Testing

@testable import RaftSimulation

struct JudgeTests {
  private func disk(_ state: HardState, last: LogIndex) -> ModelDisk.Contents {
    var contents = ModelDisk.Contents()
    contents.hardState = state
    contents.entries = (0..<last).map { Entry(term: 1, index: $0 + 1) }
    return contents
  }

  @Test func aPromiseNeedsWhatItRestsOn() {
    let vote = Message(.voteResponse, to: 2, from: 1, term: 5)
    let request = Message(.vote, to: 2, from: 1, term: 5)
    let acknowledgement = Message(.appendResponse, to: 2, from: 1, term: 5, index: 7)
    for (message, state, last, isKept) in [
      (vote, HardState(term: 5, vote: 2), 0, true), (vote, HardState(term: 6), 0, true),
      (vote, HardState(term: 5, vote: 3), 0, false), (vote, HardState(term: 4, vote: 2), 0, false),
      (request, HardState(term: 5), 0, true), (request, HardState(term: 4), 0, false),
      (acknowledgement, HardState(term: 5), 7, true),
      (acknowledgement, HardState(term: 5), 6, false),
      (acknowledgement, HardState(term: 4), 7, false),
    ] as [(Message, HardState, LogIndex, Bool)] {
      var judge = Judge(isJudging: true, founders: [1, 2, 3])
      judge.promises(message, disk(state, last: last))
      #expect((judge.problem == nil) == isKept, "\(message.kind) \(state)")
    }
  }

  @Test func nobodyVotesTwiceInATerm() {
    var judge = Judge(isJudging: true, founders: [1, 2, 3])
    judge.voted(1, for: 2, in: 5)
    judge.voted(1, for: 2, in: 5)
    judge.voted(1, for: 3, in: 6)
    #expect(judge.problem == nil)
    judge.voted(1, for: 3, in: 5)
    #expect(judge.problem != nil)
  }

  @Test func aPositionHasOneEntryAndOneBeforeIt() {
    var judge = Judge(isJudging: true, founders: [1, 2, 3])
    judge.saw([Entry(term: 2, index: 4, data: [1])], after: 1, at: 1)
    judge.saw([Entry(term: 3, index: 4, data: [2])], after: 1, at: 2)
    #expect(judge.problem == nil)
    var other = judge
    other.saw([Entry(term: 2, index: 4, data: [2])], after: 1, at: 3)
    #expect(other.problem != nil)
    other = judge
    other.saw([Entry(term: 2, index: 4, data: [1])], after: 2, at: 3)
    #expect(other.problem != nil)
  }
}
