// How a chain begins, as a value: which start it is, and whether log and ledger belong together.

import Ordering
import RaftCore

/// What is on a node's disk when a channel is opened, and what follows from it.
///
/// First the ledger gets what it lacks of the log (``missing(in:)``, ``checkIsComplete()``), then the core is made
/// (``check()``, ``core(_:_:)``).
package struct ChainOpening: Sendable {
  /// What is in the log.
  package struct Log: Sendable {
    /// There was none, and this one was just made.
    package let isNew: Bool
    package let hardState: HardState
    /// The newest that the log names.
    package let snapshot: Snapshot?
    package let lastIndex: LogIndex
    /// Where it is, for whoever has to look there.
    package let folder: String

    package init(
      isNew: Bool, hardState: HardState, snapshot: Snapshot?, lastIndex: LogIndex, folder: String
    ) {
      self.isNew = isNew
      self.hardState = hardState
      self.snapshot = snapshot
      self.lastIndex = lastIndex
      self.folder = folder
    }
  }

  /// The entries of the log, as the core wants them.
  package struct Entries: Sendable {
    fileprivate private(set) var tail: LogTail
    /// How many at the beginning found the group.
    fileprivate private(set) var founders: LogIndex = 0

    /// - Parameter base: Before the first entry.
    package init(after base: LogPosition) { tail = LogTail(after: base) }

    package var lastIndex: LogIndex { tail.lastIndex }

    /// - Throws: if the entry is not the next one.
    package mutating func append(_ entry: Entry) throws {
      if entry.index == founders + 1, entry.term == 1, entry.kind == .change {
        founders = entry.index
      }
      try tail.append(entry, keeping: ChainOpening.tailSize)
    }
  }

  /// What the core is made with.
  package struct Settings: Sendable {
    package let options: RaftOptions
    /// Bytes of entries in a message, unless it has one only.
    package let maximumMessageSize: Int
    package let seed: UInt64

    package init(options: RaftOptions, maximumMessageSize: Int, seed: UInt64) {
      self.options = options
      self.maximumMessageSize = maximumMessageSize
      self.seed = seed
    }
  }

  /// Bytes of applied entries that stay in memory, for members that are little behind.
  private static let tailSize = 256 << 10

  private let channelID: String
  private let id: NodeID
  private let newestBlock: NewestBlock
  private let log: Log
  /// Behind the newest block, with those that were missing.
  package private(set) var applier: EntryApplier
  /// The number of the block that the snapshot stands for; 0 without one.
  package let snapshotBlock: UInt64

  /// - Parameters:
  ///   - id: This node's, among the consenters of the newest block.
  ///   - known: For comparing blocks that the ledger has already.
  /// - Throws: `ChannelFault` if the snapshot holds no block.
  package init(
    channelID: String, id: NodeID, newestBlock: NewestBlock, log: Log,
    known: @escaping EntryApplier.KnownHash = { _ in nil }
  ) throws(ChannelFault) {
    self.channelID = channelID
    self.id = id
    self.newestBlock = newestBlock
    self.log = log
    applier = EntryApplier(
      channelID: channelID, end: newestBlock.end, consenters: newestBlock.consenters,
      raftIndex: newestBlock.metadata.raftIndex, known: known)
    guard let snapshot = log.snapshot else {
      snapshotBlock = 0
      return
    }
    snapshotBlock = try EntryBlock.block(in: Array(snapshot.data), index: snapshot.index)
      .header.number
  }
}

extension ChainOpening {
  // MARK: The ledger

  /// Whether the ledger lacks blocks although a snapshot stands for them: Go's orderer takes snapshots of blocks that its
  /// ledger does not have yet.
  package var lacksBlocks: Bool { log.snapshot != nil && snapshotBlock >= applier.end.height }

  /// The next blocks among entries of the log that the ledger lacks; nil if there are none any more.
  package mutating func missing(
    in entries: inout ArraySlice<Entry>
  ) throws(ChannelFault) -> [MadeBlock]? {
    while let (step, _) = try applier.next(&entries, made: { _ in nil }) {
      switch step {
      case .write(let blocks, _, _): return blocks
      case .writeConfig(let block, _, _): return [block]
      case .skip, .change: break
      // Others have them; this node asks for them when it is there.
      case .pull: return nil
      }
    }
    return nil
  }

  /// The one missing block may be in the snapshot alone. The snapshot's index may be that of a change behind the block:
  /// where others have the block, they have its metadata, too.
  package var lastResort: Entry? {
    guard let snapshot = log.snapshot, isAlone, snapshotBlock == applier.end.height else {
      return nil
    }
    return Entry(term: snapshot.term, index: snapshot.index, data: snapshot.data)
  }

  /// What is missing now, others must have.
  package func checkIsComplete() throws(ChannelFault) {
    guard lacksBlocks, isAlone else { return }
    throw ChannelFault(
      """
      the Raft log goes on behind block \(snapshotBlock), and the ledger has only \(applier.end.height) blocks: restore \
      the blocks in between
      """)
  }

  /// Whether there is nobody from whom this node could get what it lacks.
  private var isAlone: Bool { newestBlock.consenters.ids.count < 2 }

  // MARK: The core

  package var start: RaftStart {
    // A log without anything in it is one that a crash kept from being begun, or one that a leader has yet to fill.
    let isEmpty =
      log.lastIndex == 0 && (log.hardState == HardState() || newestBlock.hasMetadata)
    return RaftStart(
      RaftStart.Facts(
        hasLog: !log.isNew && !isEmpty && !isTornFounding, hasSnapshots: log.snapshot != nil,
        height: newestBlock.end.height, hasMetadata: newestBlock.hasMetadata))
  }

  /// Whether a crash cut off the write that founds the group: its hard state comes last. The members that are there would
  /// take themselves for all. Nothing was promised yet, so the group is founded again, over what is there.
  private var isTornFounding: Bool {
    !newestBlock.hasMetadata && log.snapshot == nil
      && log.lastIndex < newestBlock.consenters.ids.count
      && log.hardState.term <= 1 && log.hardState.vote == 0
  }

  /// Checks that this node can take part from what it has.
  ///
  /// - Throws: `LostLog` if it has lost what it promised others; `ChannelFault` if there are no others.
  package func check() throws {
    let index = newestBlock.metadata.raftIndex
    switch start {
    case .bootstrap, .migration, .lostLog: break
    case .join:
      guard !isAlone else {
        throw ChannelFault(
          """
          the Raft log in \(log.folder) is gone, and this node is the channel's only consenter, so nobody \
          can bring it back: restore what was in Consensus.WALDir and Consensus.SnapDir, or, if that is not possible, \
          stop the orderer and run `orderer raft recover \(channelID)`
          """)
      }
      // A consenter seals what it writes; what a new one has followed before is as others have sealed it.
      guard newestBlock.isSurelyOwn else { return }
      throw LostLog(
        "the Raft log in \(log.folder) is gone, with what this node promised others",
        channelID: channelID)
    case .restart:
      // What it followed before it became a consenter may be ahead of the log.
      guard index <= log.lastIndex || !newestBlock.isOwn else { throw endIsLost(index) }
    }
  }

  private func endIsLost(_ index: LogIndex) -> any Error {
    let finding = """
      the newest block, \(newestBlock.end.height - 1), has the Raft index \(index), and the log in \
      \(log.folder) ends at \(log.lastIndex): its end is lost, with what this node promised others
      """
    guard isAlone else { return LostLog(finding, channelID: channelID) }
    return ChannelFault(
      """
      \(finding). This node is the channel's only consenter: restore Consensus.WALDir from its newest copy, or, if \
      that is not possible, stop the orderer and run `orderer raft recover \(channelID)`
      """)
  }

  /// - Parameter entries: All that the log has.
  /// - Throws: `ChannelFault` if they cannot be used.
  package func core(_ settings: Settings, _ entries: Entries) throws -> RaftCore {
    var snapshot = log.snapshot ?? Snapshot()
    snapshot.data = []
    var hardState = start.isNew ? HardState() : log.hardState
    // What founds a group is committed from the start, though a crash may have kept that from being written.
    if snapshot.isEmpty, !start.isNew {
      hardState.commit = max(hardState.commit, entries.founders)
    }
    do {
      var core = try RaftCore(
        configuration(settings), hardState: hardState, snapshot: snapshot,
        log: start.isNew ? LogTail() : entries.tail, seed: settings.seed)
      try found(&core)
      return core
    } catch let refusal as RaftCore.StartRefusal {
      throw ChannelFault("the Raft log in \(log.folder) cannot be used: \(refusal)")
    }
  }

  private func configuration(_ settings: Settings) -> RaftCore.Configuration {
    var configuration = RaftCore.Configuration(id: id)
    configuration.electionTick = settings.options.electionTicks
    configuration.heartbeatTick = settings.options.heartbeatTicks
    configuration.maxInflightMessages = settings.options.maximumInflightBlocks
    configuration.maxMessageSize = settings.maximumMessageSize
    configuration.tailSize = Self.tailSize
    configuration.preVote = true
    configuration.checkQuorum = true
    configuration.disableProposalForwarding = true
    return configuration
  }

  private func found(_ core: inout RaftCore) throws {
    switch start {
    case .restart, .join: break
    case .lostLog: throw ChannelFault.broken("a log was opened that is not there")
    case .bootstrap, .migration:
      try core.bootstrap(
        newestBlock.consenters.ids.map { id in
          let change = MembershipChange(steps: [MembershipChange.Step(.addVoter, id)])
          return (id, (change.entryData(.change) ?? [])[...])
        })
    }
  }

  /// Whether this node is the one that campaigns first in a new channel.
  package var campaignsFirst: Bool {
    start.isNew && FirstCampaign.node(of: channelID, among: newestBlock.consenters.ids.count) == id
  }

  /// What the chain goes on from.
  package func beginning(_ core: consuming RaftCore) -> RaftWorker.Beginning {
    RaftWorker.Beginning(
      core: core, applier: applier, snapshot: (log.snapshot?.index ?? 0, snapshotBlock),
      campaignsFirst: campaignsFirst)
  }
}
