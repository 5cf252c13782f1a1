// How a chain opens its log and makes its Raft node: which start it is, and whether log and ledger belong together.

import Blocks
import Concurrency
import Ordering
import RaftCore
import RaftLog
import RaftWire
import Storage

extension RaftChain {
  /// Bytes of entries that are read at once.
  private static let readSize = 1 << 20
  /// Bytes of applied entries that stay in memory, for members that are little behind.
  private static let tailSize = 256 << 10

  /// Opens the log, or makes one, again and again while that fails in a way that may pass.
  ///
  /// - Returns: nil if the chain was halted before.
  func openLogPatiently() async throws -> RaftStorage? {
    var backoff = Backoff(from: .seconds(1), to: .seconds(30))
    while true {
      do {
        let storage = try await openLog()
        obstruct(nil)
        return storage
      } catch let error as RaftLogError where error.mayPass {
        let reason = "the Raft log cannot be opened: \(error)"
        if obstruction != reason {
          logger.error("\(reason). It is tried again; no restart is needed")
        }
        obstruct(reason)
        let isOver: Void? = await state.wait(until: time.now + backoff.next(), on: time) {
          $0.isOver ? () : nil
        }
        if isOver != nil { return nil }
      }
    }
  }

  /// Opens the log, or makes one. A log of another channel of this name is put aside before.
  private func openLog() async throws -> RaftStorage {
    let (location, logger, height) = (location, logger, newestBlock.end.height)
    if height == 1, try await holdsOtherChannel() {
      try await run { () throws(RaftLogError) in
        do throws(StorageError) { try StaleLog(location).putAside(logger: logger) } catch {
          throw .storage(error)
        }
      }
    }
    return try await run { () throws(RaftLogError) in
      try RaftStorage(location, logger: logger)
    }
  }

  /// Makes the worker, after blocks were written that the log has and the ledger lacks although a snapshot stands
  /// for them.
  func worker(on storage: RaftStorage) async throws -> RaftWorker {
    let found = storage.found
    var applier = EntryApplier(
      channelID: channelID, end: newestBlock.end, consenters: newestBlock.consenters,
      raftIndex: newestBlock.metadata.raftIndex)
    var snapshotBlock: UInt64 = 0
    if let snapshot = found.snapshot {
      snapshotBlock = try EntryBlock.block(in: Array(snapshot.data), index: snapshot.index)
        .header.number
      metrics.snapshotBlockNumber.record(snapshotBlock)
      try await writeMissing(upTo: snapshotBlock, of: snapshot, storage, &applier)
    }
    // A log without anything in it is one that a crash kept from being begun.
    let isEmpty = storage.lastIndex == 0 && found.hardState == HardState()
    let start = RaftStart(
      RaftStart.Facts(
        hasLog: !found.isNew && !isEmpty, hasSnapshots: found.snapshot != nil,
        height: newestBlock.end.height, hasMetadata: newestBlock.hasMetadata))
    try check(start, storage)
    return try RaftWorker(
      chain: self, storage: storage,
      RaftWorker.Beginning(
        core: try await core(start, storage), applier: applier,
        snapshot: (found.snapshot?.index ?? 0, snapshotBlock),
        campaignsFirst: start.isNew && isPicked))
  }

  private func run<Value: Sendable>(
    _ body: @escaping @Sendable () throws(RaftLogError) -> Value
  ) async throws(RaftLogError) -> Value {
    try await pool.run(orThrow: .closed, body)
  }

  /// Checks that this node can take part from what it has.
  private func check(_ start: RaftStart, _ storage: RaftStorage) throws {
    let index = newestBlock.metadata.raftIndex
    switch start {
    case .bootstrap, .migration, .lostLog: break
    case .join:
      guard newestBlock.consenters.ids.count > 1 else {
        throw ChannelFault(
          """
          the Raft log in \(location.logFolder) is gone, and this node is the channel's only consenter, so nobody \
          can bring it back: restore what was in Consensus.WALDir and Consensus.SnapDir
          """)
      }
    case .restart:
      guard index <= storage.lastIndex else {
        throw ChannelFault(
          """
          the newest block has the Raft index \(index), and the log in \(location.logFolder) ends at \
          \(storage.lastIndex): its end is lost, with what this node promised others. Restore Consensus.WALDir from \
          its newest copy, or remove this consenter from the channel and add it again
          """)
      }
    }
  }

  private func core(_ start: RaftStart, _ storage: RaftStorage) async throws -> RaftCore {
    var configuration = RaftCore.Configuration(id: id)
    configuration.electionTick = options.electionTicks
    configuration.heartbeatTick = options.heartbeatTicks
    configuration.maxInflightMessages = options.maximumInflightBlocks
    configuration.maxMessageSize = Int(
      try support.bundle.requiredOrderer(orThrow: ChannelFault.init).batchSize.preferredMaxBytes)
    configuration.tailSize = Self.tailSize
    configuration.preVote = true
    configuration.checkQuorum = true
    configuration.disableProposalForwarding = true
    var snapshot = storage.found.snapshot ?? Snapshot()
    snapshot.data = []
    let (tail, founders) = try await tail(of: storage)
    var hardState = storage.found.hardState
    // What founds a group is committed from the start, though a crash may have kept that from being written.
    if snapshot.isEmpty { hardState.commit = max(hardState.commit, founders) }
    do {
      var core = try RaftCore(
        configuration, hardState: hardState, snapshot: snapshot, log: tail, seed: seed)
      try begin(start, &core)
      return core
    } catch let refusal as RaftCore.StartRefusal {
      throw ChannelFault("the Raft log in \(location.logFolder) cannot be used: \(refusal)")
    }
  }

  private func begin(_ start: RaftStart, _ core: inout RaftCore) throws {
    switch start {
    case .restart: logger.info("Restarting raft node")
    case .join: logger.info("Starting raft node to join an existing channel")
    case .lostLog: throw ChannelFault.broken("a log was opened that is not there")
    case .bootstrap, .migration:
      if start == .migration {
        logger.info(
          """
          Consensus-type migration detected, starting new raft node on an existing channel; \
          height=\(newestBlock.end.height)
          """)
      }
      logger.info("Starting raft node as part of a new channel")
      try core.bootstrap(
        newestBlock.consenters.ids.map { id in
          let change = MembershipChange(steps: [MembershipChange.Step(.addVoter, id)])
          return (id, (change.entryData(.change) ?? [])[...])
        })
      if isPicked {
        logger.info("This node is picked to start campaign")
      }
    }
  }

  /// Whether this node is the one that campaigns first in a new channel.
  private var isPicked: Bool {
    FirstCampaign.node(of: channelID, among: newestBlock.consenters.ids.count) == id
  }

  /// What is in the log, as the core wants it, and how many entries at its beginning found the group.
  private func tail(
    of storage: RaftStorage
  ) async throws -> (tail: LogTail, founders: LogIndex) {
    var founders: LogIndex = 0
    let base = storage.firstIndex - 1
    guard let term = storage.term(of: base) else {
      throw ChannelFault.broken("the log does not tell the term of entry \(base)")
    }
    var tail = LogTail(after: LogPosition(term: term, index: base))
    while tail.lastIndex < storage.lastIndex {
      let range = (tail.lastIndex + 1)..<(storage.lastIndex + 1)
      for entry in try await entries(range, of: storage) {
        if entry.index == founders + 1, entry.term == 1, entry.kind == .change {
          founders = entry.index
        }
        try tail.append(entry, keeping: Self.tailSize)
      }
    }
    return (tail, founders)
  }

  /// Entries from the beginning of a range that has some.
  private func entries(_ range: Range<LogIndex>, of storage: RaftStorage) async throws -> [Entry] {
    try await run { () throws(RaftLogError) in
      try storage.entries(
        from: range.lowerBound, to: range.upperBound, maximumBytes: Self.readSize)
    }
  }

  // MARK: Log and ledger

  /// Whether the log that is there cannot be this channel's, which has its first block only: a channel of the same name
  /// was removed by an orderer that left the log.
  private func holdsOtherChannel() async throws -> Bool {
    let (location, logger, end, channelID) = (location, logger, newestBlock.end, channelID)
    return try await run { () throws(RaftLogError) in
      guard try RaftStorage.exists(location) else { return false }
      let storage = try RaftStorage(location, logger: logger)
      defer { try? storage.close() }
      // Its snapshot stands for blocks that this channel does not have.
      if storage.found.snapshot != nil { return true }
      var next = storage.firstIndex
      while next <= storage.lastIndex {
        let entries = try storage.entries(
          from: next, to: storage.lastIndex + 1, maximumBytes: Self.readSize)
        for entry in entries where entry.kind == .normal && !entry.data.isEmpty {
          let block = try? EntryBlock.block(in: Array(entry.data), index: entry.index)
          return block.map {
            (try? EntryBlock.assembled($0, following: end, index: entry.index, channelID: channelID))
              == nil
          } ?? true
        }
        next += LogIndex(entries.count)
      }
      return false
    }
  }

  /// Writes blocks that a snapshot stands for and that the ledger lacks, from the entries that the log still has: Go's
  /// orderer takes snapshots of blocks that its ledger does not have yet.
  private func writeMissing(
    upTo newest: UInt64, of snapshot: Snapshot, _ storage: RaftStorage,
    _ applier: inout EntryApplier
  ) async throws {
    guard newest >= applier.end.height else { return }
    logger.info(
      """
      Catching up with snapshot taken at block [\(newest)], starting from block [\(applier.end.height)]
      """)
    var next = storage.firstIndex
    while next <= snapshot.index {
      var entries = try await entries(next..<(snapshot.index + 1), of: storage)[...]
      next += LogIndex(entries.count)
      try await write(&entries, &applier)
    }
    // The one missing block may be in the snapshot alone.
    var last = [Entry(term: snapshot.term, index: snapshot.index, data: snapshot.data)][...]
    if newest == applier.end.height { try await write(&last, &applier) }
    guard newest < applier.end.height else {
      // Others have the rest.
      guard newestBlock.consenters.ids.count == 1 else { return }
      throw ChannelFault(
        """
        the Raft log goes on behind block \(newest), and the ledger has only \(applier.end.height) blocks: restore \
        the blocks in between
        """)
    }
    logger.info("Finished syncing with cluster up to and including block [\(newest)]")
  }

  private func write(
    _ entries: inout ArraySlice<Entry>, _ applier: inout EntryApplier
  ) async throws {
    while let (step, _) = try applier.next(&entries, made: { _ in nil }) {
      switch step {
      case .write(let blocks, _, _): try await support.append(made: blocks)
      case .writeConfig(let block, _, _): try await support.append(made: [block])
      case .skip, .change: break
      }
    }
  }
}
