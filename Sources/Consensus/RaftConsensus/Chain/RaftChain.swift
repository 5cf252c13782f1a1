// The doors of a Raft chain: a queue for its one task, who leads, and what state it is in.

import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Metrics
import Ordering
import RaftCore
import RaftLog
import Storage
import Synchronization

/// The chain of one channel that a Raft group orders.
///
/// A message counts as taken once this node keeps it. From there it gets into a block as long as this node lives, whoever
/// leads; an orderly halt writes it.
///
/// What other nodes send is taken in `RaftChain+Cluster.swift`.
package final class RaftChain: ClusterChain {
  /// Messages that wait for the chain's task; submitters wait beyond that. They are acknowledged and in no block
  /// yet, so no more than what the disk takes in some milliseconds.
  static let maximumQueuedMessages = 1_000
  /// Bytes that wait for the chain's task; submitters wait beyond that.
  static let maximumQueuedBytes = 4 << 20
  /// Submitters that wait for room in the queue; further ones are told SERVICE_UNAVAILABLE.
  static let maximumWaitingSubmitters = 10_000
  static let noLeader = ChainState.noLeader

  /// What a chain needs, beside its channel.
  struct Environment: Sendable {
    let location: RaftStorage.Location
    let transport: any ClusterTransport
    let blocks: any BlockSource
    /// Threads for reading and writing the log.
    let pool: BlockingPool
    /// A number for the random time-outs, different for each node.
    let seed: UInt64
    let metrics: any MetricsFactory
    /// After how long without a leader this node asks whether it still is a consenter; nil for Go's default.
    let evictionSuspicion: Duration?
    let time: any TimeSource
    /// On which channels tick together; nil: each for itself.
    let wheel: TimerWheel?
    let logger: Logger
  }

  let support: any ConsenterSupport
  let location: RaftStorage.Location
  let transport: any ClusterTransport
  let blocks: any BlockSource
  let pool: BlockingPool
  let seed: UInt64
  let metrics: RaftChainMetrics
  let evictionSuspicion: Duration?
  let time: any TimeSource
  let wheel: TimerWheel?
  let logger: Logger
  /// This node in the Raft group.
  let id: NodeID
  /// As of the start.
  let options: RaftOptions
  let tickInterval: Duration
  let newestBlock: NewestBlock
  let queue = BoundedQueue<Submission>(
    maximumCount: maximumQueuedMessages, maximumBytes: maximumQueuedBytes,
    maximumWaiting: maximumWaitingSubmitters)
  let events: RaftEvents
  let inbox: RaftInbox
  let state = Watched(ChainState())
  /// For whoever validates changes of the consenters.
  let attendance: Mutex<Attendance>

  /// - Parameters:
  ///   - newestBlock: The channel's.
  ///   - id: This node's, among the consenters of that block.
  ///   - tickInterval: That of the channel, or the one that overrides it.
  init(
    support: any ConsenterSupport, newestBlock: NewestBlock, id: NodeID, options: RaftOptions,
    tickInterval: Duration, environment: Environment
  ) {
    self.support = support
    self.newestBlock = newestBlock
    self.id = id
    self.options = options
    self.tickInterval = tickInterval
    location = environment.location
    transport = environment.transport
    blocks = environment.blocks
    pool = environment.pool
    seed = environment.seed
    evictionSuspicion = environment.evictionSuspicion
    time = environment.time
    wheel = environment.wheel
    var logger = environment.logger
    logger[metadataKey: "channel"] = "\(support.channelID)"
    logger[metadataKey: "node"] = "\(id)"
    self.logger = logger
    metrics = RaftChainMetrics(channelID: support.channelID, factory: environment.metrics)
    events = RaftEvents { [queue] in queue.wake() }
    inbox = RaftInbox { [queue] in queue.wake() }
    attendance = Mutex(Attendance(metadata: newestBlock.metadata, at: environment.time.now))
    metrics.clusterSize.record(newestBlock.metadata.consenterIDs.count)
    metrics.isLeader.record(0)
    metrics.activeNodes.record(0)
    metrics.committedBlockNumber.record(newestBlock.end.height - 1)
    metrics.snapshotBlockNumber.record(0)
    support.suspend(reason: Self.noLeader)
  }

  var channelID: String { support.channelID }

  // MARK: Chain

  package func start() {
    state.change { $0.start { Task { await self.run() } } }
  }

  package func order(_ messages: [OrderedMessage]) async -> OrderOutcomes {
    metrics.normalProposalsReceived.increment(by: messages.count)
    return .all(await take(messages))
  }

  package func configure(_ message: OrderedMessage) async -> OrderOutcome {
    metrics.configProposalsReceived.increment()
    return await take([message])
  }

  package func waitReady() async throws(ChainError) {
    try await admit()
  }

  package func halt() async {
    let task = state.change { $0.halt() }
    queue.close()
    queue.wake()
    await task?.value
  }

  /// Hands leadership on, if this node leads and others are there, while it still can be reached. It goes on taking
  /// messages. Waits for an election time-out at most.
  func giveWay() async {
    guard
      state.change({ state in
        state.giveWay()
        return state.isLeading
      })
    else { return }
    queue.wake()
    let patience = tickInterval * options.electionTicks
    let _: Void? = await state.wait(until: time.now + patience, on: time) {
      $0.isLeading ? nil : ()
    }
  }

  package func ledgerObstructed(_ reason: String?) { change { $0.obstructLedger(reason != nil) } }

  // MARK: Clients

  /// The queue takes all of what comes together, or none.
  private func take(_ messages: [OrderedMessage]) async -> OrderOutcome {
    do {
      try await admit()
      try await queue.append(
        messages.map(Submission.own),
        bytes: messages.reduce(0) { $0 + $1.envelope.bytes.count })
      return .taken
    } catch {
      metrics.proposalFailures.increment(by: messages.count)
      return .refused(refusal(error))
    }
  }

  private func refusal(_ error: any Error) -> ChainError {
    if let error = error as? ChainError { return error }
    // Whoever waited for room is sent away when the leader is lost: that is then the reason.
    if case .failure(let reason) = state.read({ $0.admission(channelID: channelID) }) {
      return reason
    }
    return .overloaded(channelID: channelID)
  }

  /// Waits until messages are taken.
  private func admit() async throws(ChainError) {
    try await admit(
      orThrow: .overloaded(channelID: channelID),
      .unavailable(channelID: channelID, reason: Self.noLeader)
    ) { [channelID] in $0.admission(channelID: channelID) }
  }

  /// Waits until a judgement is known, for two election time-outs at most.
  ///
  /// - Parameters:
  ///   - overloaded: Thrown if too many wait.
  ///   - leaderless: Thrown if nothing is known by then.
  func admit<Refusal: Error>(
    orThrow overloaded: Refusal, _ leaderless: Refusal,
    _ judgement: @escaping @Sendable (ChainState) -> Result<Void, Refusal>?
  ) async throws(Refusal) {
    let now: Result<Void, Refusal>? = state.change { state in
      if let known = judgement(state) { return known }
      return state.beginWaiting() ? nil : .failure(overloaded)
    }
    if let now { return try now.get() }
    let later = await state.wait(until: time.now + patience, on: time) { judgement($0) }
    state.change { $0.endWaiting() }
    guard let later else { throw leaderless }
    try later.get()
  }

  /// How long clients wait for a leader.
  var patience: Duration { tickInterval * (2 * options.electionTicks) }

  // MARK: What the chain's task tells

  var isHalted: Bool { state.read { $0.isHalted } }
  var givesWay: Bool { state.read { $0.givesWay } }
  var obstruction: String? { state.read { $0.obstruction } }

  func take(_ standing: ChainState.Standing) { change { $0.take(standing) } }

  /// The log does not take entries, for a reason, or does again (nil).
  func obstruct(_ reason: String?) { change { $0.obstruct(reason) } }

  private func change(_ change: (inout ChainState) -> Void) {
    let isImpatient = state.change { state in
      change(&state)
      return state.isImpatient
    }
    queue.setImpatient(isImpatient)
  }

  /// Nobody leads. A channel of one or two consenters is not told: it stands still whenever one of them is down, and
  /// it must be possible to give it a third.
  func lostLeader(consenters: Int) {
    take(.electing)
    if consenters > 2 {
      support.suspend(reason: Self.noLeader)
    } else {
      logger.warning("No leader is present, cluster size is \(consenters)")
    }
  }

  /// Which members are alive, nobody while there is no leader; nil if that is not known here.
  ///
  /// - Returns: Whether these are others than before.
  func note(active: Set<NodeID>?, of members: MembershipState) -> Bool {
    let isChanged = attendance.withLock {
      $0.note(active: active, of: members, at: time.now)
    }
    if isChanged, let active, !active.isEmpty {
      for voter in members.voters where voter != id {
        metrics.unreachable(voter).record(active.contains(voter) ? 0 : 1)
      }
    }
    return isChanged
  }

  /// How jobs of the log are carried out.
  func retry(_ storage: RaftStorage) -> LogRetry {
    LogRetry(
      append: { storage.write($0) }, pool: pool, state: state,
      obstruct: { [self] in obstruct($0) }, metrics: metrics, time: time, logger: logger,
      electionTimeout: tickInterval * options.electionTicks)
  }

  func log(_ event: RaftCore.Event, of id: NodeID) {
    // Several writes share a sync here, so that this is said of most of them.
    if case .persistedMissing = event { return }
    let level: Logger.Level =
      switch event.level {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      case .error: .error
      case .fatal: .critical
      }
    // Tools look for the name of etcd's function beside this one line.
    if case .becameLeader = event {
      logger.log(level: level, "\(event.text(of: id))", function: "becomeLeader()")
    } else {
      logger.log(level: level, "\(event.text(of: id))")
    }
  }

  // MARK: The chain's task

  private func run() async {
    logger.info("Starting Raft node")
    do {
      do { try await order() } catch let loss as LostLog {
        watch(loss)
        try await watchOthers()
      }
    } catch {
      fail("\(error)")
    }
    metrics.isLeader.record(0)
    metrics.activeNodes.record(0)
    logger.info("Raft node stopped")
  }

  private func order() async throws {
    guard let storage = try await openLogPatiently() else { return }
    var failure: (any Error)?
    do { try await work(on: storage) } catch { failure = error }
    do {
      try await pool.run(orThrow: RaftLogError.closed) { () throws(RaftLogError) in
        try storage.close()
      }
    } catch { failure = failure ?? error }
    if let failure { throw failure }
  }

  /// Orders until the chain is halted or cannot go on, and until nothing is written any more.
  private func work(on storage: RaftStorage) async throws {
    let shell = RaftShell(self, storage)
    var worker = try await worker(in: shell)
    var failure: (any Error)?
    do {
      try await shell.drive(&worker)
    } catch {
      failure = error
      // Ends what is being repeated.
      if let loss = error as? LostLog { watch(loss) } else { fail("\(error)") }
    }
    await shell.finish(&worker)
    transport.disconnect(channelID)
    if let failure { throw failure }
  }

  private func watch(_ loss: LostLog) {
    guard !isHalted else { return }
    state.change { $0.watch(loss.description) }
    queue.close()
    logger.error("\(loss)")
    support.suspend(reason: loss.description)
  }

  private func fail(_ reason: String) {
    guard !isHalted else {
      return logger.warning("The chain could not write all that it had taken: \(reason)")
    }
    state.change { $0.fail(reason) }
    queue.close()
    support.fail(reason: reason)
  }
}
