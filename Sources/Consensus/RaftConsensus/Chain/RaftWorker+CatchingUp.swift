// How a node that lags behind takes a leader's snapshot: first on the disk, then the blocks, then in force.

import FabricProtos
import Ordering
import RaftCore

/// How far the blocks are that a snapshot stands for.
struct CatchingUp: Sendable {
  /// The last block to pull; nil if nothing is missing.
  private(set) var target: UInt64?
  /// What the core is told once the ledger has the blocks.
  private(set) var answers: [Message] = []
  /// Received snapshots that are on their way to the disk.
  private var unwritten = 0
  private(set) var isPulling = false

  init(target: UInt64?) { self.target = target }

  /// Whether nothing else may be applied.
  var isUnderWay: Bool { target != nil }
  /// Whether it is time to pull.
  var isDue: Bool { target != nil && !isPulling && unwritten == 0 }

  mutating func received(through block: UInt64) {
    target = max(target ?? 0, block)
    unwritten += 1
  }

  /// Blocks are missing up to this one, although the snapshot is in place.
  mutating func lacks(through block: UInt64) { target = max(target ?? 0, block) }

  mutating func written(_ answer: Message) {
    unwritten -= 1
    answers.append(answer)
  }

  mutating func begin() { isPulling = true }

  /// The pull has ended.
  mutating func end() { isPulling = false }

  mutating func finish() -> [Message] {
    defer { answers = [] }
    target = nil
    return answers
  }
}

extension RaftWorker {
  /// A snapshot of the leader is in place of the log.
  mutating func receive(_ snapshot: Snapshot) throws {
    let block = try EntryBlock.block(in: Array(snapshot.data), index: snapshot.index)
    // What was committed before is in what the snapshot stands for.
    committed = []
    snapshotBlock = block.header.number
    snapshotBlocks[snapshot.index] = snapshotBlock
    chain.metrics.snapshotBlockNumber.record(snapshotBlock)
    catchingUp.received(through: snapshotBlock)
  }

  /// Tells the core what is on the disk. That a snapshot is there it hears only when the ledger has its blocks: until
  /// then nothing behind it is applied.
  mutating func acknowledge(_ persist: RaftCore.Persist) {
    guard let snapshot = persist.snapshot else { return core.persisted(persist) }
    for response in persist.responses where response.to == core.id {
      guard response.snapshot != nil else {
        core.acknowledge(response)
        continue
      }
      var log = response
      log.snapshot = nil
      core.acknowledge(log)
      var answer = response
      (answer.index, answer.logTerm, answer.snapshot) = (0, 0, snapshot)
      // The core needs its data no more.
      answer.snapshot?.data = []
      catchingUp.written(answer)
    }
  }

  /// Pulls what is missing, once nothing else writes to the ledger.
  mutating func catchUpIfBehind() {
    guard catchingUp.isDue, applying == nil, let target = catchingUp.target else { return }
    guard target >= chain.height else {
      logger.warning(
        """
        Snapshot is at block [\(target)], local block number is \(chain.height - 1), no sync needed
        """)
      catchingUp.begin()
      return chain.tell(.caughtUp)
    }
    logger.info(
      """
      Catching up with snapshot taken at block [\(target)], starting from block [\(chain.height)]
      """)
    catchingUp.begin()
    chain.pull(through: target)
  }

  /// Blocks that others made are in the ledger.
  mutating func pulled(_ blocks: [Block]) {
    guard !kept.isEmpty else { return }
    for block in blocks { kept.applied(block.data, isConfig: block.isConfigBlock) }
  }

  /// The ledger has all blocks.
  mutating func caughtUp() throws {
    catchingUp.end()
    // A newer snapshot has come meanwhile.
    if let target = catchingUp.target, target >= chain.height { return }
    let configuration = try chain.configuration
    rules = configuration.rules
    guard configuration.consensusType == RaftConfig.type else {
      return chain.take(.migrated(to: configuration.consensusType))
    }
    let config = try RaftConfig(serialized: configuration.consensusMetadata)
    let last = try NewestBlock(
      try chain.block(chain.height - 1), config: config, identity: nil)
    applier = EntryApplier(
      channelID: chain.channelID, end: last.end, consenters: last.consenters,
      raftIndex: last.metadata.raftIndex, known: chain.knownHash)
    newest = nil
    _ = snapshots.take()
    chain.note(last.metadata)
    chain.metrics.committedBlockNumber.record(last.end.height - 1)
    chain.metrics.clusterSize.record(last.consenters.ids.count)
    try changeOptions(config)
    reconnect(to: last.consenters)
    for answer in catchingUp.finish() { core.acknowledge(answer) }
  }
}
