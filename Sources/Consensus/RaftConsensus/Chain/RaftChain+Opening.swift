// How a chain opens its log and makes its Raft node: which start it is, and whether log and ledger belong together.

import Blocks
import Concurrency
import Logging
import Ordering
import RaftCore
import RaftLog
import RaftWire
import Storage

extension RaftChain {
  /// Bytes of entries that are read at once.
  static let readSize = 1 << 20
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
      } catch let error as RaftLogError where error.isLoss {
        guard isAlone else { throw LostLog("\(error)", channelID: channelID) }
        throw ChannelFault(
          """
          \(error). Nobody else orders the channel: if there is no copy, stop the orderer and run \
          `orderer raft recover \(channelID)`
          """)
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
      try await run { () throws(RaftLogError) in try Self.putAside(location, logger) }
    }
    return try await run { () throws(RaftLogError) in
      try RaftStorage(location, logger: logger)
    }
  }

  static func putAside(
    _ location: RaftStorage.Location, _ logger: Logger
  ) throws(RaftLogError) {
    do throws(StorageError) { try StaleLog(location).putAside(logger: logger) } catch {
      throw .storage(error)
    }
  }

  /// Makes the worker, after blocks were written that the log has and the ledger lacks although a snapshot stands
  /// for them.
  func worker(on storage: RaftStorage) async throws -> RaftWorker {
    let found = storage.found
    var applier = EntryApplier(
      channelID: channelID, end: newestBlock.end, consenters: newestBlock.consenters,
      raftIndex: newestBlock.metadata.raftIndex, known: knownHash)
    var snapshotBlock: UInt64 = 0
    if let snapshot = found.snapshot {
      snapshotBlock = try EntryBlock.block(in: Array(snapshot.data), index: snapshot.index)
        .header.number
      metrics.snapshotBlockNumber.record(snapshotBlock)
      try await writeMissing(upTo: snapshotBlock, of: snapshot, storage, &applier)
    }
    // A log without anything in it is one that a crash kept from being begun, or one that a leader has yet to fill.
    let isEmpty =
      storage.lastIndex == 0 && (found.hardState == HardState() || newestBlock.hasMetadata)
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

  /// The hash of a block of the ledger.
  var knownHash: EntryApplier.KnownHash {
    { [support] number in (try? support.block(number)).map { ChainEnd(after: $0.header).lastHash } }
  }

  func run<Value: Sendable>(
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
      guard !isAlone else {
        throw ChannelFault(
          """
          the Raft log in \(location.logFolder) is gone, and this node is the channel's only consenter, so nobody \
          can bring it back: restore what was in Consensus.WALDir and Consensus.SnapDir, or, if that is not possible, \
          stop the orderer and run `orderer raft recover \(channelID)`
          """)
      }
      // A consenter seals what it writes; what a new one has followed before is as others have sealed it.
      guard newestBlock.isSurelyOwn else { return }
      throw LostLog(
        "the Raft log in \(location.logFolder) is gone, with what this node promised others",
        channelID: channelID)
    case .restart:
      // What it followed before it became a consenter may be ahead of the log.
      guard index <= storage.lastIndex || !newestBlock.isOwn else {
        let finding = """
          the newest block, \(newestBlock.end.height - 1), has the Raft index \(index), and the log in \
          \(location.logFolder) ends at \(storage.lastIndex): its end is lost, with what this node promised others
          """
        guard isAlone else { throw LostLog(finding, channelID: channelID) }
        throw ChannelFault(
          """
          \(finding). This node is the channel's only consenter: restore Consensus.WALDir from its newest copy, or, if \
          that is not possible, stop the orderer and run `orderer raft recover \(channelID)`
          """)
      }
    }
  }

  /// Whether there is nobody from whom this node could get what it lacks.
  var isAlone: Bool { newestBlock.consenters.ids.count < 2 }

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
  func entries(_ range: Range<LogIndex>, of storage: RaftStorage) async throws -> [Entry] {
    try await run { () throws(RaftLogError) in
      try storage.entries(
        from: range.lowerBound, to: range.upperBound, maximumBytes: Self.readSize)
    }
  }
}
