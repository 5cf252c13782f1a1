// The shell of a chain's core: threads, streams and clocks, and the task that drives it.

import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Ordering
import RaftCore
import RaftLog
import RaftWire
import Synchronization

/// Carries out what a ``RaftWorker`` asks for, each beside the chain's task, and tells that task how it ended.
final class RaftShell: RaftSurroundings, Sendable {
  private struct Tasks {
    var pull: Task<Void, Never>?
    var inquiry: Task<Void, Never>?
  }

  let chain: RaftChain
  let storage: RaftStorage
  let clock: ChainClock
  private let tasks = Mutex(Tasks())

  init(_ chain: RaftChain, _ storage: RaftStorage) {
    self.chain = chain
    self.storage = storage
    clock = ChainClock(every: chain.tickInterval, on: chain.time, with: chain.wheel) {
      [queue = chain.queue] in queue.wake()
    }
  }

  var channelID: String { chain.channelID }
  var options: RaftOptions { chain.options }
  var tickInterval: Duration { chain.tickInterval }
  var evictionSuspicion: Duration? { chain.evictionSuspicion }
  var time: any TimeSource { chain.time }
  var logger: Logger { chain.logger }
  var metrics: RaftChainMetrics { chain.metrics }
  var channelMetrics: ChannelMetrics { chain.support.metrics }

  // MARK: The rest of the node

  var isHalted: Bool { chain.isHalted }
  var givesWay: Bool { chain.givesWay }
  var obstruction: String? { chain.obstruction }

  func take(_ standing: ChainState.Standing) { chain.take(standing) }
  func lostLeader(consenters: Int) { chain.lostLeader(consenters: consenters) }
  func hasLeader() { chain.support.recover() }
  func log(_ event: RaftCore.Event, of id: NodeID) { chain.log(event, of: id) }

  func note(_ metadata: RaftBlockMetadata) {
    chain.attendance.withLock { $0.metadata = metadata }
  }

  func note(active: Set<NodeID>?, of members: MembershipState) -> Bool {
    chain.note(active: active, of: members)
  }

  var knowsWhoIsAlive: Bool { chain.attendance.withLock { $0.active != nil } }

  func cease(_ reason: String) {
    chain.take(.ceased(reason: reason))
    disconnect()
    chain.support.ceaseOrdering(reason: reason)
  }

  func tell(_ event: RaftEvent) { chain.events.tell(event) }

  // MARK: Clock

  func tick(_ runs: Bool) { clock.tick(runs) }

  func startBatchTimer(_ id: BatchTimer.ID, for timeout: Duration) {
    clock.startBatchTimer(id, for: timeout)
  }

  func stopBatchTimer() { clock.stopBatchTimer() }

  // MARK: Ledger

  var configuration: ChainConfiguration {
    get throws(ChannelFault) { try ChainConfiguration(chain.support.bundle) }
  }

  var height: UInt64 { chain.support.height }

  var knownHash: EntryApplier.KnownHash { chain.knownHash }

  func block(_ number: UInt64) throws -> Block { try chain.support.block(number) }

  func upToDate(_ message: OrderedMessage) throws(ChannelFault) -> OrderedMessage? {
    try chain.support.upToDate(message, logger: chain.logger)
  }

  func append(_ blocks: [MadeBlock]) {
    let (support, events) = (chain.support, chain.events)
    Task {
      do {
        try await support.append(made: blocks)
        events.tell(.applied)
      } catch { events.tell(.applyingFailed(error)) }
    }
  }

  func readSnapshot(_ number: UInt64, for message: Message) {
    let (support, events) = (chain.support, chain.events)
    chain.pool.submit {
      let block = try? support.block(number)
      events.tell(.snapshotRead(message, block.map(EntryBlock.serialized)))
    }
  }

  // MARK: Log

  func write(_ jobs: [LogWriter.Job]) {
    let (retry, events) = (chain.retry(storage), chain.events)
    Task {
      do {
        try await retry.write(jobs)
        events.tell(.persisted(jobs))
      } catch { events.tell(.persistingFailed(error)) }
    }
  }

  func load(_ read: RaftCore.LogRead) {
    let (storage, events) = (storage, chain.events)
    chain.pool.submit {
      do throws(RaftLogError) {
        let entries = try storage.entries(
          from: read.range.lowerBound, to: read.range.upperBound, maximumBytes: read.maxSize)
        events.tell(.loaded(read, entries))
      } catch {
        // A snapshot may stand for them by now; the core asks again if it still wants them.
        if case .unavailable = error { return events.tell(.loaded(read, [])) }
        events.tell(.loadingFailed(error))
      }
    }
  }

  // MARK: Other nodes

  func connect(to neighbours: Neighbours) { chain.connect(to: neighbours) }
  func disconnect() { chain.transport.disconnect(chain.channelID) }

  func send(_ message: Message, metadata: [UInt8]) -> Bool {
    chain.transport.send(
      message.wirePieces(), metadata: metadata, in: chain.channelID, to: message.to)
  }

  func submit(_ messages: [OrderedMessage], to leader: NodeID, number: Int) {
    let (transport, channelID, events) = (chain.transport, chain.channelID, chain.events)
    Task {
      do throws(ClusterRefusal) {
        try await transport.submit(messages, in: channelID, to: leader)
        events.tell(.handedOn(number, nil))
      } catch { events.tell(.handedOn(number, error)) }
    }
  }

  func pull(through last: UInt64) {
    let (chain, events) = (chain, chain.events)
    let task = Task {
      do {
        try await chain.catchUp(through: last)
        events.tell(.caughtUp)
      } catch { events.tell(.catchingUpFailed(error)) }
    }
    tasks.withLock { $0.pull = task }
  }

  func askForNewestConfiguration() {
    let (chain, events) = (chain, chain.events)
    let task = Task {
      do {
        let block = try await chain.blocks.newestConfigBlock(
          of: chain.channelID, under: chain.support.bundle)
        events.tell(.newestConfiguration(.success(block)))
      } catch { events.tell(.newestConfiguration(.failure(error))) }
    }
    tasks.withLock { $0.inquiry = task }
  }

  func stopAsking() { tasks.withLock { $0.inquiry?.cancel() } }

  // MARK: The chain's task

  /// Works until the chain is halted or cannot go on. Then ``finish(_:)`` is to be called.
  func drive(_ worker: inout RaftWorker) async throws {
    var isDrained = false
    try worker.begin()
    while !(isHalted && worker.isDone(isDrained: isDrained)) {
      switch await chain.queue.next(takesElements: worker.takesMessages && !isDrained) {
      case .elements(let submissions): worker.take(submissions)
      case .closed: isDrained = true
      }
      var arrivals = RaftArrivals()
      arrivals.isDrained = isDrained
      if !worker.hasCeased {
        arrivals.events = chain.events.take()
        arrivals.inbox = chain.inbox.take()
        (arrivals.isTickDue, arrivals.expired) = clock.take()
      }
      try worker.turn(arrivals)
    }
  }

  /// Waits for what is under way in the log and the ledger, which has to end by itself.
  func finish(_ worker: inout RaftWorker) async {
    worker.warnOfLoss()
    tick(false)
    stopBatchTimer()
    tasks.withLock { tasks in
      tasks.pull?.cancel()
      tasks.inquiry?.cancel()
    }
    while true {
      worker.noteEnds(chain.events.take())
      guard worker.isBusy else { return }
      _ = await chain.queue.next(takesElements: false)
    }
  }
}

extension ChainConfiguration {
  init(_ bundle: ConfigBundle) throws(ChannelFault) {
    let orderer = try bundle.requiredOrderer(orThrow: ChannelFault.init)
    self.init(
      rules: BatchRules(
        sequence: bundle.sequence, limits: BatchLimits(orderer.batchSize),
        timeout: orderer.batchTimeout),
      consensusType: orderer.consensusType, consensusMetadata: orderer.consensusMetadata)
  }
}
