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

  /// Makes the core, after blocks were written that the log has and the ledger lacks although a snapshot stands
  /// for them.
  func worker(in shell: RaftShell) async throws -> RaftWorker {
    let storage = shell.storage
    let found = storage.found
    var opening = try ChainOpening(
      channelID: channelID, id: id, newestBlock: newestBlock,
      log: ChainOpening.Log(
        isNew: found.isNew, hardState: found.hardState, snapshot: found.snapshot,
        lastIndex: storage.lastIndex, folder: location.logFolder),
      known: knownHash)
    if found.snapshot != nil { metrics.snapshotBlockNumber.record(opening.snapshotBlock) }
    try await writeMissing(&opening, storage)
    try opening.check()
    let settings = ChainOpening.Settings(
      options: options,
      maximumMessageSize: Int(
        try support.bundle.requiredOrderer(orThrow: ChannelFault.init).batchSize.preferredMaxBytes),
      seed: seed)
    let core = try opening.core(settings, try await entries(of: storage))
    log(opening)
    return try RaftWorker(
      in: shell, hardState: found.hardState, life: UInt64.random(in: 1...UInt64.max),
      opening.beginning(core))
  }

  private func log(_ opening: ChainOpening) {
    switch opening.start {
    case .restart: logger.info("Restarting raft node")
    case .join: logger.info("Starting raft node to join an existing channel")
    case .lostLog: break
    case .bootstrap, .migration:
      if opening.start == .migration {
        logger.info(
          """
          Consensus-type migration detected, starting new raft node on an existing channel; \
          height=\(newestBlock.end.height)
          """)
      }
      logger.info("Starting raft node as part of a new channel")
      if opening.campaignsFirst { logger.info("This node is picked to start campaign") }
    }
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

  /// Whether there is nobody from whom this node could get what it lacks.
  var isAlone: Bool { newestBlock.consenters.ids.count < 2 }

  /// All that is in the log.
  private func entries(of storage: RaftStorage) async throws -> ChainOpening.Entries {
    let base = storage.firstIndex - 1
    guard let term = storage.term(of: base) else {
      throw ChannelFault.broken("the log does not tell the term of entry \(base)")
    }
    var all = ChainOpening.Entries(after: LogPosition(term: term, index: base))
    while all.lastIndex < storage.lastIndex {
      let range = (all.lastIndex + 1)..<(storage.lastIndex + 1)
      for entry in try await entries(range, of: storage) { try all.append(entry) }
    }
    return all
  }

  /// Entries from the beginning of a range that has some.
  func entries(_ range: Range<LogIndex>, of storage: RaftStorage) async throws -> [Entry] {
    try await run { () throws(RaftLogError) in
      try storage.entries(
        from: range.lowerBound, to: range.upperBound, maximumBytes: Self.readSize)
    }
  }
}
