// How committed entries get into the ledger.

import Blocks
import Ordering
import RaftCore

extension RaftWorker {
  /// Takes committed entries, up to one that has to wait for the ledger.
  mutating func apply() throws {
    let office = office
    while applying == nil, !catchingUp.isUnderWay {
      let next = try applier.next(&committed) { office.block(at: $0) }
      guard let (step, through) = next else {
        // The slice would keep the entries in memory.
        committed = []
        return
      }
      try begin(step, through: through)
    }
  }

  private mutating func begin(_ step: EntryApplier.Step, through: LogIndex) throws {
    switch step {
    case .skip(let bytes):
      snapshots.applied(bytes: bytes)
      core.applied(through: through)
    case .change(let change):
      try apply(change)
      core.applied(through: through)
    case .write(let blocks, _, _): append(blocks, step, through)
    case .writeConfig(let block, _, _): append([block], step, through)
    case .pull(let last):
      logger.warning(
        """
        The snapshot stood for blocks before [\(chain.height)] alone, and the next entry has block [\(last + 1)]: \
        those in between are pulled
        """)
      catchingUp.lacks(through: last)
    }
  }

  private mutating func append(
    _ blocks: [MadeBlock], _ step: EntryApplier.Step, _ through: LogIndex
  ) {
    // The entries of a group follow each other.
    for (offset, block) in blocks.enumerated() {
      let index = through - LogIndex(blocks.count - 1 - offset)
      logger.info(
        "Writing block [\(block.assembled.header.number)] (Raft index: \(index)) to ledger")
    }
    applying = Applying(step: step, through: through)
    chain.append(blocks)
  }

  /// The ledger has what it was given.
  mutating func finishApplying() throws {
    guard let done = applying else { return }
    applying = nil
    switch done.step {
    case .write(let blocks, let bytes, let data):
      for block in blocks { kept.applied(block.assembled.data, isConfig: false) }
      wrote(data, bytes: bytes, through: done.through)
    case .writeConfig(let block, let data, let effect):
      kept.applied(block.assembled.data, isConfig: true)
      wrote(data, bytes: data.bytes.count, through: done.through)
      try take(effect)
    case .skip, .change, .pull: break
    }
    takeSnapshotIfDue()
  }

  private mutating func wrote(_ data: EntryApplier.EntryData, bytes: Int, through: LogIndex) {
    newest = data
    snapshots.applied(bytes: bytes)
    office.applied(below: data.number + 1)
    core.applied(through: through)
    chain.metrics.committedBlockNumber.record(data.number)
  }

  // MARK: Config blocks

  private mutating func take(_ effect: EntryApplier.Effect) throws {
    rules = try chain.configuration.rules
    let step: MembershipChange.Step?
    switch effect {
    case .none: step = nil
    case .migrated(let type):
      // Whatever comes now is for the other consensus.
      logger.info("Detected migration to \(type)")
      chain.take(.migrated(to: type))
      return stepDown()
    case .configured(let change, let config):
      try changeOptions(config)
      step = changed(change)
      // Members come and go with the change of the membership.
      if step == nil { reconnect(to: applier.consenters) }
    }
    chain.note(applier.consenters.metadata(raftIndex: 0))
    guard office.pause == .configBlock else { return }
    guard let step else { return office.resume() }
    office.pause(for: .change(step))
    try propose(step)
  }

  /// - Returns: What Raft has to know of it.
  private func changed(_ change: ConsenterChange) -> MembershipChange.Step? {
    switch change {
    case .none: return nil
    case .rotated(let id, _):
      logger.info("Config block rotates TLS certificate of node \(id)")
      return nil
    case .added(let id, _):
      logger.info(
        """
        Config block just committed adds node \(id), pause accepting transactions till config change is \
        applied
        """)
      return MembershipChange.Step(.addVoter, id)
    case .removed(let id):
      logger.info(
        """
        Config block just committed removes node \(id), pause accepting transactions till config change is \
        applied
        """)
      return MembershipChange.Step(.remove, id)
    }
  }

  /// Takes over what takes effect at once. Nodes that changed the rest at different times would time each other
  /// out, so that waits until the node is started again.
  mutating func changeOptions(_ config: RaftConfig) throws {
    let options: RaftOptions
    do { options = try config.options } catch {
      throw ChannelFault("the newest configuration has unusable options: \(error)")
    }
    if options.snapshotIntervalSize != snapshots.interval {
      logger.info(
        """
        Update snapshot interval size to \(options.snapshotIntervalSize) bytes (was \
        \(snapshots.interval))
        """)
      snapshots.change(interval: options.snapshotIntervalSize)
    }
    let old = chain.options
    guard
      options.tickInterval != old.tickInterval || options.electionTicks != old.electionTicks
        || options.heartbeatTicks != old.heartbeatTicks
        || options.maximumInflightBlocks != old.maximumInflightBlocks
    else { return }
    logger.info("The new ticks and in-flight limit take effect when the orderer is restarted")
  }

  // MARK: Members

  private mutating func apply(_ change: MembershipChange) throws {
    let state: MembershipState
    do { state = try core.apply(change) } catch { throw ChannelFault("\(error)") }
    for step in change.steps {
      logger.info(
        """
        Applied config change to \(step.kind == .remove ? "remove" : "add") node \(step.node), current nodes in \
        channel: \(state.voters)
        """)
      if office.pause == .change(step) { office.resume() }
      if step == MembershipChange.Step(.remove, core.id) {
        farewell = chain.options.electionTicks
      }
    }
    noteActiveNodes()
    reconnect(to: applier.consenters)
    chain.metrics.clusterSize.record(applier.consenters.ids.count)
  }

  // MARK: Snapshots

  /// Takes a snapshot of what the ledger has synchronized, if it is time to.
  private mutating func takeSnapshotIfDue() {
    guard snapshots.isDue, !isSnapshotUnderWay, !catchingUp.isUnderWay, let newest,
      let term = core.term(at: core.applied)
    else { return }
    let snapshot = Snapshot(
      index: core.applied, term: term, members: core.members.state, data: newest.bytes)
    let limit = snapshots.interval
    logger.info(
      """
      Accumulated \(snapshots.take()) bytes since last snapshot, exceeding size limit (\(limit) bytes), \
      taking snapshot at block [\(newest.number)] (index: \(snapshot.index)), last snapshotted block number is \
      \(snapshotBlock), current nodes: \(snapshot.members.voters)
      """)
    snapshotBlock = newest.number
    snapshotBlocks[snapshot.index] = newest.number
    isSnapshotUnderWay = true
    chain.metrics.snapshotBlockNumber.record(newest.number)
    writer.add(snapshot)
  }

  /// A snapshot is on the disk.
  mutating func snapshotTaken(_ snapshot: Snapshot) {
    logger.info("Snapshot is taken at index \(snapshot.index)")
    isSnapshotUnderWay = false
    var known = snapshot
    known.data = []
    core.snapshotTaken(known)
    snapshotBlocks = snapshotBlocks.filter { $0.key >= core.snapshot.index }
    core.compact(through: snapshot.index - min(snapshot.index, Self.keptEntries))
  }

  /// Entries before a snapshot that stay, for members that are little behind; as many as Go keeps.
  private static let keptEntries: LogIndex = 4
}
