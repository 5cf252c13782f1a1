import Testing

@testable import RaftCore

@Suite struct LogViewTests {
  private static func entries(_ term: Term, _ range: ClosedRange<LogIndex>, size: Int = 0)
    -> [Entry]
  {
    range.map {
      Entry(term: term, index: $0, data: ArraySlice(repeating: 1, count: size))
    }
  }

  private static func view(_ change: (inout RaftCore.Configuration) -> Void = { _ in }) -> LogView {
    var configuration = RaftCore.Configuration(id: 1)
    change(&configuration)
    return LogView(LogTail(), configuration)
  }

  @Test func whatIsWrittenIsGivenOutOnce() {
    var log = Self.view()
    var events: [RaftCore.Event] = []
    log.append(Self.entries(1, 1...2), &events)
    #expect(log.nextUnwritten().map(\.index) == [1, 2])
    log.handedOutToPersist()
    #expect(!log.hasUnwritten && log.hasUnpersisted)
    log.append(Self.entries(1, 3...3), &events)
    #expect(log.nextUnwritten().map(\.index) == [3])
    log.persisted(LogPosition(term: 1, index: 2), &events)
    #expect(log.unpersisted == 3 && log.unwritten == 3)
    #expect(events.isEmpty)
  }

  /// What was persisted of entries that were replaced since says nothing about those in their place.
  @Test func replacedEntriesAreNotPersisted() {
    var log = Self.view()
    var events: [RaftCore.Event] = []
    log.append(Self.entries(1, 1...3), &events)
    log.handedOutToPersist()
    log.append(Self.entries(2, 2...3), &events)
    #expect(events == [.unstableTruncated(before: 2)])
    #expect(log.nextUnwritten().map(\.index) == [2, 3])
    log.persisted(LogPosition(term: 1, index: 3), &events)
    #expect(events.last == .persistedOutdated(LogPosition(term: 1, index: 3), existing: 2))
    #expect(log.unpersisted == 1)
    log.persisted(LogPosition(term: 1, index: 1), &events)
    #expect(log.unpersisted == 2)
    log.append(Self.entries(3, 1...1), &events)
    #expect(events.last == .unstableReplaced(from: 1))
    #expect(log.lastIndex == 1 && log.unpersisted == 1)
    log.persisted(LogPosition(term: 2, index: 3), &events)
    #expect(events.last == .persistedMissing(3))
  }

  @Test func onlyWhatIsPersistedIsApplied() {
    for appliesUnpersisted in [false, true] {
      var log = Self.view { $0.appliesUnpersisted = appliesUnpersisted }
      var events: [RaftCore.Event] = []
      log.append(Self.entries(1, 1...3), &events)
      log.commit(to: 2)
      #expect(log.applicable == (appliesUnpersisted ? 1..<3 : nil))
      log.handedOutToPersist()
      log.persisted(LogPosition(term: 1, index: 1), &events)
      #expect(log.applicable == (appliesUnpersisted ? 1..<3 : 1..<2))
    }
  }

  @Test func whatIsBeingAppliedIsBounded() {
    var log = Self.view { $0.maxApplyingSize = 40 }
    var events: [RaftCore.Event] = []
    log.append(Self.entries(1, 1...6, size: 10), &events)
    log.handedOutToPersist()
    log.persisted(LogPosition(term: 1, index: 6), &events)
    log.commit(to: 6)
    #expect(log.applicableSize == 40)
    log.handedOutToApply(Self.entries(1, 1...2, size: 10))
    #expect(log.applicable == nil, "there was more than would fit")
    let partly = log.applied(through: 1)
    let all = log.applied(through: 2)
    #expect(partly == 0 && all == 20)
    #expect(log.applicable == 3..<7 && log.applicableSize == 40)
  }

  @Test func aSnapshotIsInForceBeforeWhatFollowsIt() {
    var log = Self.view()
    var events: [RaftCore.Event] = []
    log.restore(Snapshot(index: 9, term: 2))
    #expect(log.firstIndex == 10 && log.last == LogPosition(term: 2, index: 9))
    log.append(Self.entries(2, 10...11), &events)
    log.handedOutToPersist()
    log.commit(to: 11)
    log.persisted(LogPosition(term: 2, index: 11), &events)
    #expect(log.applicable == nil)
    log.snapshotPersisted(8)
    #expect(log.applicable == nil)
    log.snapshotPersisted(9)
    _ = log.applied(through: 9)
    #expect(log.applicable == 10..<12)
  }

  @Test func onlyWhatWasAppliedIsCompacted() {
    var log = Self.view()
    var events: [RaftCore.Event] = []
    log.append(Self.entries(1, 1...5), &events)
    log.handedOutToPersist()
    log.persisted(LogPosition(term: 1, index: 5), &events)
    log.commit(to: 3)
    log.handedOutToApply(Self.entries(1, 1...3))
    log.compact(through: 2)
    #expect(log.firstIndex == 1)
    _ = log.applied(through: 3)
    log.compact(through: 4)
    #expect(log.firstIndex == 1)
    log.compact(through: 2)
    #expect(log.firstIndex == 3 && log.term(at: 2) == 1 && log.term(at: 1) == nil)
  }
}
