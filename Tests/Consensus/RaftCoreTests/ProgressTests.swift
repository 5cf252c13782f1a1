import Testing

@testable import RaftCore

@Suite struct ProgressTests {
  private static func inflights(_ count: Int, _ size: Int = .max) -> Inflights {
    Inflights(maximumCount: count, maximumSize: size)
  }

  // MARK: Inflights

  @Test func anAnswerFreesAllBeforeIt() {
    var inflights = Self.inflights(3)
    for last in [2, 4, 6] { inflights.add(last: LogIndex(last), size: 10) }
    #expect(inflights.isFull)
    inflights.free(through: 1)
    #expect(inflights.count == 3)
    inflights.free(through: 5)
    #expect(inflights.count == 1 && !inflights.isFull)
    inflights.free(through: 99)
    #expect(inflights.count == 0)
  }

  /// One message may go beyond the bound, or a large one would never be sent.
  @Test func theSizeIsBoundedSoftly() {
    var inflights = Self.inflights(10, 100)
    inflights.add(last: 1, size: 99)
    #expect(!inflights.isFull)
    inflights.add(last: 2, size: 99)
    #expect(inflights.isFull)
    inflights.add(last: 3, size: 1)
    #expect(inflights.count == 2)
    inflights.free(through: 1)
    #expect(!inflights.isFull)
    inflights.reset()
    #expect(inflights.count == 0 && !inflights.isFull)
  }

  @Test func aLongWindowStaysSmall() {
    var inflights = Self.inflights(4)
    for last in 1...10_000 {
      inflights.add(last: LogIndex(last), size: 1)
      if last > 2 { inflights.free(through: LogIndex(last - 2)) }
      #expect(inflights.count <= 3)
    }
  }

  // MARK: Progress

  @Test func aProbeIsOneMessage() {
    var progress = Progress(next: 5, inflights: Self.inflights(3), isLearner: false)
    progress.sent(entries: 0, size: 0)
    #expect(!progress.isPaused)
    progress.sent(entries: 2, size: 2)
    #expect(progress.isPaused && progress.next == 5)
    progress.resumeFlow()
    #expect(!progress.isPaused)
  }

  @Test func replicatingPausesWhenTheWindowIsFull() {
    var progress = Progress(next: 5, inflights: Self.inflights(2), isLearner: false)
    progress.becomeReplicate()
    #expect(progress.next == 1)
    progress.sent(entries: 2, size: 2)
    progress.sent(entries: 1, size: 2)
    #expect(progress.isPaused && progress.next == 4)
    let isNews = progress.update(to: 2)
    #expect(isNews && !progress.isPaused)
    progress.free(through: 2)
    #expect("\(progress)" == "StateReplicate match=2 next=4 inactive inflight=1")
    let isNewsAgain = progress.update(to: 2)
    #expect(!isNewsAgain)
  }

  @Test func aRejectionMovesBackNoFurtherThanTheMatch() {
    var progress = Progress(match: 3, next: 9, inflights: Self.inflights(2), isLearner: false)
    func next(_ rejected: LogIndex, _ hint: LogIndex) -> LogIndex? {
      progress.decrease(rejected: rejected, hint: hint) ? progress.next : nil
    }
    #expect(next(5, 1) == nil, "an old answer")
    #expect(next(8, 6) == 7)
    #expect(next(6, 0) == 4)
    progress.becomeReplicate()
    progress.sent(entries: 5, size: 5)
    #expect(next(3, 1) == nil, "an old answer")
    #expect(next(8, 7) == 4)
  }

  @Test func probingAfterASnapshotGoesOnBehindIt() {
    var progress = Progress(match: 1, next: 9, inflights: Self.inflights(2), isLearner: true)
    progress.becomeSnapshot(pending: 10)
    #expect(progress.isPaused)
    #expect("\(progress)" == "StateSnapshot match=1 next=11 learner paused pendingSnap=10 inactive")
    var failed = progress
    progress.becomeProbe()
    #expect(progress.next == 11 && progress.isProbing)
    failed.becomeProbe(snapshotFailed: true)
    #expect(failed.next == 2)
  }

  @Test func aCommitIndexIsSentOnce() {
    var progress = Progress(match: 5, next: 6, inflights: Self.inflights(2), isLearner: false)
    #expect(progress.canBumpCommit(to: 5))
    progress.sent(commit: 5)
    #expect(!progress.canBumpCommit(to: 5) && !progress.canBumpCommit(to: 9))
  }
}
