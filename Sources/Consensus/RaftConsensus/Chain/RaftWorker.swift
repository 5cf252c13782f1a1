// The task of a Raft chain: what comes from clients, clock, disk and ledger goes into the core, and what the core
// wants done is handed out.

import Blocks
import Concurrency
import Logging
import Ordering
import RaftCore
import RaftLog

/// The core of a chain with its surroundings. A value of the chain's one task.
///
/// Nothing here waits for a disk: the log and the ledger are written beside, one write each at a time, and tell when
/// they are done. So ticks and votes never wait for them; what does is the making of blocks, which is bounded.
///
/// Leading is in `RaftWorker+Leading.swift`, applying in `RaftWorker+Applying.swift`.
struct RaftWorker {
  let chain: RaftChain
  let storage: RaftStorage
  let logger: Logger
  var core: RaftCore

  // The log
  var writer: LogWriter

  // The ledger
  var applier: EntryApplier
  /// Committed, and not handed to the ledger.
  var committed: ArraySlice<Entry> = []
  /// What the ledger is doing.
  var applying: Applying?
  var snapshots: SnapshotPolicy
  /// Number of the block in the newest snapshot.
  var snapshotBlock: UInt64
  var isSnapshotUnderWay = false
  /// The newest block that was written since the start.
  var newest: EntryApplier.EntryData?

  // Leading
  var rules: BatchRules
  var office = RaftOffice.none
  /// Taken from the queue and not in a batch. Kept while another node leads, too: it was acknowledged.
  var backlog: ArraySlice<OrderedMessage> = []
  var cutter = BlockCutter()
  var batchTimer = BatchTimer()
  var alarm: BatchAlarm
  /// The batch timer expired while no block could be made.
  var isCutDue = false
  var fill: BatchFillMeter

  private var ticker: Ticker
  /// As far as the rest of the node was told; 0 for nobody, nil before anything was told.
  private var leader: NodeID?

  /// A step that the ledger carries out.
  struct Applying: Sendable {
    let step: EntryApplier.Step
    let through: LogIndex
  }

  init(
    chain: RaftChain, storage: RaftStorage, core: RaftCore, applier: EntryApplier,
    snapshotBlock: UInt64
  ) throws(ChannelFault) {
    rules = try BatchRules(chain.support.bundle)
    self.chain = chain
    self.storage = storage
    self.core = core
    self.applier = applier
    self.snapshotBlock = snapshotBlock
    logger = chain.logger
    writer = LogWriter(hardState: storage.found.hardState)
    snapshots = SnapshotPolicy(interval: chain.options.snapshotIntervalSize)
    let wake: @Sendable () -> Void = { [queue = chain.queue] in queue.wake() }
    alarm = BatchAlarm(time: chain.time, wake: wake)
    ticker = Ticker(every: chain.tickInterval, on: chain.time, wake: wake)
    fill = BatchFillMeter(chain.support.metrics, time: chain.time)
  }

  /// Works until the chain is halted or cannot go on. Then ``finish()`` is to be called.
  mutating func run() async throws {
    var isDrained = false
    noteLeadership()
    try turn(isDrained: false)
    while !(chain.isHalted && (isDrained && isQuiet || !canFinish)) {
      let takesMessages = office.isLeading && backlog.isEmpty && !isDrained
      switch await chain.queue.next(takesElements: takesMessages) {
      case .elements(let messages): backlog += messages
      case .closed: isDrained = true
      }
      try turn(isDrained: isDrained)
    }
  }

  /// Waits for what is under way in the log and the ledger, which has to end by itself.
  mutating func finish() async {
    ticker.run(false)
    alarm.stop()
    while true {
      for event in chain.events.take() {
        switch event {
        case .persisted, .persistingFailed: writer.end()
        case .applied, .applyingFailed: applying = nil
        case .loaded, .loadingFailed: break
        }
      }
      guard writer.isWriting || applying != nil else { return }
      _ = await chain.queue.next(takesElements: false)
    }
  }

  /// Whether all that was acknowledged is in the ledger.
  private var isQuiet: Bool {
    backlog.isEmpty && cutter.pending.isEmpty && office.inFlight == 0 && office.pause == nil
      && applying == nil
  }

  /// Whether what was acknowledged can get into the ledger before the chain ends.
  private var canFinish: Bool {
    guard isOnlyVoter, chain.obstruction == nil else { return false }
    if case .none = office { return false }
    return true
  }

  /// Whether this node decides alone, and needs no clock.
  var isOnlyVoter: Bool { core.members.state == MembershipState(voters: [core.id]) }

  /// Whether this node needs nobody to become leader, or will not in a moment.
  var isElecting: Bool { isOnlyVoter || applier.consenters.ids == [core.id] }

  // MARK: One turn

  private mutating func turn(isDrained: Bool) throws {
    // Also those behind a failure: `finish()` waits for the ends of what is under way.
    var failure: (any Error)?
    for event in chain.events.take() {
      do { try take(event) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
    if ticker.takeTick() {
      core.tick()
      noteActiveNodes()
    }
    if let expired = alarm.takeExpired(), batchTimer.expire(expired) { isCutDue = true }
    try settle()
    if isDrained, backlog.isEmpty { isCutDue = true }
    if try order() { try settle() }
    ticker.run(!isOnlyVoter)
  }

  private mutating func take(_ event: RaftEvent) throws {
    switch event {
    case .persisted(let jobs):
      writer.end()
      for job in jobs { persisted(job) }
    case .loaded(let read, let entries): core.loaded(read, entries)
    case .applied: try finishApplying()
    case .persistingFailed(let error):
      writer.end()
      throw error
    case .applyingFailed(let error):
      applying = nil
      throw error
    case .loadingFailed(let error): throw error
    }
  }

  private mutating func persisted(_ job: LogWriter.Job) {
    switch job {
    case .persist(let persist): core.persisted(persist)
    case .snapshot(let snapshot, _): snapshotTaken(snapshot)
    }
  }

  /// Goes on until nothing is left that needs no disk.
  private mutating func settle() throws {
    repeat {
      try takeReady()
      try apply()
      campaignIfAlone()
      try beginToLead()
    } while core.hasReady
    write()
  }

  private mutating func takeReady() throws {
    while core.hasReady {
      // Messages to other nodes have no way there yet; Raft takes them for lost.
      let ready = core.ready()
      log(core.takeEvents())
      if let persist = ready.persist {
        guard persist.snapshot == nil else {
          throw ChannelFault.broken("a snapshot was received, and nobody sends any")
        }
        writer.add(persist)
      }
      committed += ready.committed
      for read in ready.reads { load(read) }
      if ready.softState != nil { noteLeadership() }
    }
    log(core.takeEvents())
    if let fault = core.fault { throw ChannelFault(fault.description) }
  }

  private mutating func write() {
    guard let jobs = writer.begin() else { return }
    let (retry, events) = (chain.retry(storage), chain.events)
    Task {
      do {
        try await retry.write(jobs)
        events.tell(.persisted(jobs))
      } catch { events.tell(.persistingFailed(error)) }
    }
  }

  private func load(_ read: RaftCore.LogRead) {
    let (storage, events) = (storage, chain.events)
    chain.pool.submit {
      do {
        let entries = try storage.entries(
          from: read.range.lowerBound, to: read.range.upperBound, maximumBytes: read.maxSize)
        events.tell(.loaded(read, entries))
      } catch { events.tell(.loadingFailed(error)) }
    }
  }

  // MARK: Who leads

  /// The only voter has nobody to wait for.
  private mutating func campaignIfAlone() {
    guard isOnlyVoter, core.softState.role == .follower, core.applied == core.committed else {
      return
    }
    core.campaign()
  }

  /// Notes who leads now.
  private mutating func noteLeadership() {
    let soft = core.softState
    let before = leader
    leader = soft.leader
    if let before, before != soft.leader {
      logger.info("Raft leader changed: \(before) -> \(soft.leader)")
      chain.metrics.leaderChanges.increment()
    }
    switch (soft.role, office) {
    case (.leader, .none):
      office = .elected
      chain.metrics.isLeader.record(1)
    case (.leader, _): break
    case (_, .none): break
    case (_, _): stepDown()
    }
    noteActiveNodes()
    guard soft.leader != before else { return }
    if soft.leader == 0 {
      chain.lostLeader(isElecting: isElecting, consenters: applier.consenters.ids.count)
    } else {
      // Nothing is handed on to another leader yet.
      if soft.leader != core.id { chain.take(.leaderless) }
      chain.support.recover()
    }
  }

  private func noteActiveNodes() {
    let active = Set(core.activeVoters)
    chain.metrics.activeNodes.record(active.count)
    chain.standing.withLock { $0.active = active }
  }

  private func log(_ events: [RaftCore.Event]) {
    for event in events { chain.log(event, of: core.id) }
  }
}
