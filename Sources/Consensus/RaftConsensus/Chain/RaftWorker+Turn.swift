// One turn of a Raft chain's task: all that has come goes in, then all that can be done without waiting is done.

import Ordering
import RaftCore

extension RaftWorker {
  package mutating func turn(_ arrivals: RaftArrivals) throws {
    guard !hasCeased else { return }
    let isDrained = arrivals.isDrained
    // Also those behind a failure: the shell waits for the ends of what is under way.
    var failure: (any Error)?
    for event in arrivals.events {
      do { try take(event) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
    take(arrivals.inbox)
    if arrivals.isTickDue { tick() }
    if let expired = arrivals.expired, batchTimer.expire(expired) { isCutDue = true }
    try settle()
    handOn()
    if isDrained, !kept.hasNext, backlog.isEmpty { isCutDue = true }
    if try order() { try settle() }
    if isDrained { giveWayIfDone() }
    if chain.givesWay { try giveWayOnce() }
    chain.tick(!isAlone && !hasCeased)
  }

  private mutating func take(_ event: RaftEvent) throws {
    switch event {
    case .persisted(let jobs):
      writer.end()
      for job in jobs { persisted(job) }
    case .loaded(let read, let entries): core.loaded(read, entries)
    case .applied: try finishApplying()
    case .snapshotRead(let message, let data): sendSnapshot(message, data)
    case .handedOn(let number, let refusal): handedOn(number, refusal)
    case .pulled(let blocks): pulled(blocks)
    case .caughtUp: try caughtUp()
    case .newestConfiguration(let result): try learn(result)
    case .persistingFailed(let error):
      writer.end()
      throw error
    case .applyingFailed(let error):
      applying = nil
      throw error
    case .catchingUpFailed(let error):
      catchingUp.end()
      throw error
    case .loadingFailed(let error): throw error
    }
  }

  private mutating func persisted(_ job: LogWriter.Job) {
    switch job {
    case .persist(let persist):
      for reply in persist.replies(of: core.id) { send(reply) }
      acknowledge(persist)
    case .snapshot(let snapshot, _): snapshotTaken(snapshot)
    case .received: break
    }
  }

  private mutating func tick() {
    core.tick()
    campaignFirst()
    if neighbours.tick() { chain.connect(to: neighbours) }
    noteActiveNodes()
    tickWithoutLeader()
    tickUntold()
    tickTransfer()
    tickFarewell()
    if handover.takeDoubt(now: chain.time.now) { kept.startOver() }
    if chain.isHalted { haltTicks += 1 }
  }

  /// Goes on until nothing is left that needs no disk.
  private mutating func settle() throws {
    repeat {
      try takeReady()
      try apply()
      campaignIfAlone()
      try beginToLead()
    } while core.hasReady
    catchUpIfBehind()
    write()
  }

  private mutating func takeReady() throws {
    while core.hasReady {
      let ready = core.ready()
      log(core.takeEvents())
      for message in ready.messages { send(message) }
      if let persist = ready.persist {
        if let snapshot = persist.snapshot { try receive(snapshot) }
        writer.add(persist)
      }
      committed += ready.committed
      for read in ready.reads { chain.load(read) }
      noteLeadership()
    }
    log(core.takeEvents())
    if let fault = core.fault { throw failure(fault) }
  }

  private func failure(_ fault: RaftCore.Fault) -> any Error {
    switch fault {
    case .logLost, .committedOverwritten:
      LostLog(fault.description, channelID: chain.channelID)
    case .impossibleChange, .impossibleMembership, .appliedOutOfRange:
      ChannelFault(fault.description)
    }
  }

  private mutating func write() {
    guard let jobs = writer.begin() else { return }
    chain.write(jobs)
  }
}
