// The parts of a chain that wait: its state as clients see it, its ticks, its log.

import Concurrency
import Foundation
import Logging
import Metrics
import Ordering
import RaftCore
import RaftLog
import Storage
import Synchronization
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct ChainStateTests {
  private let task = Task<Void, Never> {}

  private func outcome(_ state: ChainState) -> String {
    switch state.admission(channelID: "c") {
    case nil: "wait"
    case .success: "taken"
    case .failure(let error): "\(error)"
    }
  }

  @Test func clientsWaitUntilItIsKnownWhoLeads() {
    var state = ChainState()
    #expect(outcome(state) == "wait")
    state.start { task }
    #expect(outcome(state) == "wait")
    state.take(.electing)
    #expect(outcome(state) == "wait")
    state.take(.leading)
    #expect(outcome(state) == "taken")
    state.take(.leaderless)
    #expect(outcome(state) == "channel c cannot order now: no Raft leader")
    #expect(state.isImpatient)
    state.take(.electing)
    #expect(outcome(state) == "wait")
  }

  @Test func aFullDiskTurnsClientsAwayUntilThereIsRoom() {
    var state = ChainState()
    state.start { task }
    state.take(.leading)
    state.obstruct("no room")
    #expect(outcome(state) == "channel c cannot order now: no room")
    #expect(state.isImpatient)
    state.obstruct(nil)
    #expect(outcome(state) == "taken")
    state.obstructLedger(true)
    #expect(outcome(state) == "taken")
    #expect(state.isImpatient)
    state.obstructLedger(false)
    #expect(!state.isImpatient)
  }

  @Test func aLogThatCannotBeOpenedIsAReasonToRefuse() {
    var state = ChainState()
    state.start { task }
    state.obstruct("no folder")
    #expect(outcome(state) == "channel c cannot order now: no folder")
    state.obstruct(nil)
    #expect(outcome(state) == "wait")
  }

  @Test func theFirstReasonStaysAndAHaltIsJustThat() {
    var state = ChainState()
    state.start { task }
    state.fail("first")
    state.fail("second")
    state.take(.leading)
    #expect(outcome(state) == "channel c has halted: first")
    let ending = state.halt()
    #expect(ending != nil)
    #expect(outcome(state) == "channel c is shutting down")
    state.fail("third")
    #expect(outcome(state) == "channel c is shutting down")
    #expect(state.isOver)
  }

  @Test func anotherConsensusTypeIsFinalUntilARestart() {
    var state = ChainState()
    state.start { task }
    state.take(.migrated(to: "BFT"))
    state.take(.leading)
    #expect(outcome(state).contains("its consensus type is BFT now"))
  }

  @Test func onlySoManyClientsWait() {
    var state = ChainState()
    var admitted = 0
    while state.beginWaiting() { admitted += 1 }
    #expect(admitted == RaftChain.maximumWaitingSubmitters)
    state.endWaiting()
    let next = state.beginWaiting()
    #expect(next)
  }
}

@Suite struct TickerTests {
  @Test func ticksComeAtEqualIntervals() async {
    let time = ManualTime()
    let wakes = Watched(0)
    var ticker = Ticker(every: .milliseconds(500), on: time) { wakes.change { $0 += 1 } }
    var due = false
    due = ticker.takeTick()
    #expect(!due)
    ticker.run(true)
    await time.waitForSleepers(1)
    time.advance(by: .milliseconds(499))
    due = ticker.takeTick()
    #expect(!due)
    time.advance(by: .milliseconds(1))
    await wakes.wait { $0 >= 1 ? () : nil }
    due = ticker.takeTick()
    #expect(due)
    due = ticker.takeTick()
    #expect(!due)
    // Late by 100 ms, and the next is none the later.
    time.advance(by: .milliseconds(600))
    due = ticker.takeTick()
    #expect(due)
    time.advance(by: .milliseconds(400))
    due = ticker.takeTick()
    #expect(due)
  }

  @Test func channelsTickTogetherOnAWheelIfItsSlotsAreShort() async {
    let time = ManualTime()
    let wheel = TimerWheel(on: time, slots: .milliseconds(100))
    let wakes = Watched(0)
    func ticker(_ milliseconds: Int) -> Ticker {
      Ticker(every: .milliseconds(milliseconds), on: time, with: wheel) {
        wakes.change { $0 += 1 }
      }
    }
    var tickers = [ticker(500), ticker(500)]
    time.advance(by: .milliseconds(10))
    tickers[0].run(true)
    time.advance(by: .milliseconds(80))
    tickers[1].run(true)
    await time.waitForSleepers(1)
    var upcoming = time.now + .milliseconds(510)
    for round in 1...3 {
      while time.nextAlarm != upcoming { await Task.yield() }
      time.advance(by: upcoming - time.now)
      await wakes.wait { $0 == 2 * round ? () : nil }
      for index in tickers.indices {
        let isDue = tickers[index].takeTick()
        #expect(isDue)
      }
      upcoming += .milliseconds(500)
    }
    for index in tickers.indices { tickers[index].run(false) }
    while time.nextAlarm != nil { await Task.yield() }
    // Ticks of 300 ms would come too irregularly.
    var short = ticker(300)
    short.run(true)
    await time.waitForSleepers(1)
    #expect(time.nextAlarm == time.now + .milliseconds(300))
    short.run(false)
  }

  @Test func aProcessThatSleptGetsOneTick() {
    let time = ManualTime()
    var ticker = Ticker(every: .milliseconds(500), on: time) {}
    var due = false
    ticker.run(true)
    time.advance(by: .seconds(60))
    due = ticker.takeTick()
    #expect(due)
    due = ticker.takeTick()
    #expect(!due)
    ticker.run(false)
    time.advance(by: .seconds(60))
    due = ticker.takeTick()
    #expect(!due)
  }
}

@Suite struct LogRetryTests {
  /// Fails as told, then works.
  private final class Disk: Sendable {
    let failures: Mutex<[RaftLogError]>
    let written = Mutex<[Int]>([])
    init(_ failures: [RaftLogError]) { self.failures = Mutex(failures) }
  }

  private func retry(
    _ disk: Disk, _ state: Watched<ChainState>, _ pool: BlockingPool, _ time: any TimeSource
  )
    -> LogRetry
  {
    LogRetry(
      append: { jobs in
        if let error = disk.failures.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
          // The first of them got through.
          disk.written.withLock { $0.append(1) }
          return (1, error)
        }
        disk.written.withLock { $0.append(jobs.count) }
        return (jobs.count, nil)
      }, pool: pool, state: state, obstruct: { reason in state.change { $0.obstruct(reason) } },
      metrics: RaftChainMetrics(channelID: "c", factory: NOOPMetricsHandler.instance), time: time,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      electionTimeout: .seconds(5))
  }

  private let jobs = (0..<4).map { _ in LogWriter.Job.snapshot(Snapshot(), HardState()) }
  private let full = RaftLogError.storage(.noSpace(path: "/wal", operation: "write to"))

  @Test func aFullDiskIsWaitedFor() async throws {
    let pool = BlockingPool(threads: 1)
    let (time, state, disk) = (ManualTime(), Watched(ChainState()), Disk([full, full]))
    let retry = retry(disk, state, pool, time)
    let writing = Task { try await retry.write(jobs) }
    await state.wait { $0.obstruction?.contains("no space left") == true ? () : nil }
    for _ in 0..<2 {
      await time.waitForSleepers(1)
      time.advance(by: .seconds(1))
    }
    try await writing.value
    #expect(state.read { $0.obstruction } == nil)
    #expect(disk.written.withLock { $0 } == [1, 1, 2])
    await pool.shutDown()
  }

  @Test func aHaltEndsTheWait() async throws {
    let pool = BlockingPool(threads: 1)
    let (time, state) = (ManualTime(), Watched(ChainState()))
    let retry = retry(Disk([full]), state, pool, time)
    let writing = Task { try await retry.write(jobs) }
    await time.waitForSleepers(1)
    state.change { _ = $0.halt() }
    await #expect(throws: full) { try await writing.value }
    await pool.shutDown()
  }

  @Test func whatMayNotPassIsNotRepeated() async throws {
    let pool = BlockingPool(threads: 1)
    let (time, state) = (ManualTime(), Watched(ChainState()))
    let broken = RaftLogError.halted(reason: "fsync")
    let retry = retry(Disk([broken]), state, pool, time)
    await #expect(throws: broken) { try await retry.write(jobs) }
    await pool.shutDown()
  }
}

@Suite struct LogWriterTests {
  /// What a core wants written, with other things in it.
  private func persist(_ index: LogIndex, commit: LogIndex) throws -> RaftCore.Persist {
    var core = try RaftCore(RaftCore.Configuration(id: 1), seed: 1)
    try core.bootstrap([(node: 1, change: [])])
    var persist = try #require(core.ready().persist)
    persist.entries = [Entry(term: 1, index: index)]
    persist.hardState = HardState(term: 1, vote: 1, commit: commit)
    return persist
  }

  @Test func whatGathersWhileAWriteIsUnderWaySharesTheNext() throws {
    var writer = LogWriter(hardState: HardState())
    let idle = writer.begin()
    #expect(idle?.count == nil)
    writer.add(try persist(1, commit: 0))
    let first = writer.begin()
    #expect(first?.count == 1)
    writer.add(try persist(2, commit: 1))
    writer.add(try persist(3, commit: 2))
    let none = writer.begin()
    #expect(none?.count == nil)
    writer.end()
    let second = writer.begin()
    #expect(second?.count == 2)
    writer.end()
    #expect(writer.isIdle)
  }

  @Test func aSnapshotIsWrittenWithTheHardStateThatIsBeforeItInTheQueue() throws {
    var writer = LogWriter(hardState: HardState(term: 1, vote: 1, commit: 0))
    writer.add(try persist(5, commit: 4))
    writer.add(Snapshot(index: 4, term: 1))
    writer.add(try persist(6, commit: 5))
    let jobs = writer.begin() ?? []
    #expect(jobs.count == 3)
    guard case .snapshot(_, let state) = jobs[1] else { return #expect(Bool(false)) }
    #expect(state.commit == 4)
  }

  @Test func jobsAreWrittenInGroupsBetweenSnapshots() throws {
    let folder = "\(FileManager.default.temporaryDirectory.path)/heddle-raft-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let storage = try RaftStorage(
      RaftStorage.Location(
        channelID: "c", logFolder: "\(folder)/wal", snapshotFolder: "\(folder)/snap"),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    var writer = LogWriter(hardState: HardState())
    for index in 1...3 as ClosedRange<LogIndex> {
      writer.add(try persist(index, commit: index - 1))
    }
    writer.add(Snapshot(index: 2, term: 1, members: MembershipState(voters: [1])))
    writer.add(try persist(4, commit: 3))
    let (done, error) = storage.write((writer.begin() ?? [])[...])
    #expect(done == 5)
    #expect(error == nil)
    #expect(storage.lastIndex == 4)
    try storage.close()
  }
}
