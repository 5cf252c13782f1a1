// The core of a Raft chain: what comes from clients, other nodes, clock, disk and ledger goes in, and what is to be done is
// handed out.

import Blocks
import Concurrency
import Logging
import Ordering
import RaftCore

/// All that a node does for a channel that Raft orders, as a value of the chain's one task. ``RaftShell`` drives it in the
/// node, and the simulator drives it through its histories.
///
/// Nothing here waits for a disk or another node: the log and the ledger are written beside, one write each at a time,
/// and tell when they are done. So ticks and votes never wait for them; what does is the making of blocks, which is
/// bounded.
///
/// A turn is in `RaftWorker+Turn.swift`, messages in `RaftWorker+Messages.swift`, who leads in
/// `RaftWorker+Leadership.swift`, leading in `RaftWorker+Leading.swift`, giving way in `RaftWorker+GivingWay.swift`, what
/// clients have handed in in `RaftWorker+Submissions.swift`, applying in `RaftWorker+Applying.swift`, catching up in
/// `RaftWorker+CatchingUp.swift`, the end in `RaftWorker+Ending.swift`.
package struct RaftWorker {
  let chain: any RaftSurroundings
  let logger: Logger
  package internal(set) var core: RaftCore

  // The log
  var writer: LogWriter

  // The ledger
  package internal(set) var applier: EntryApplier
  /// Committed, and not handed to the ledger.
  var committed: ArraySlice<Entry> = []
  /// What the ledger is doing.
  var applying: Applying?
  var catchingUp: CatchingUp
  var snapshots: SnapshotPolicy
  /// Number of the block in the newest snapshot.
  var snapshotBlock: UInt64
  /// The same of each snapshot that a member may be sent, by its index.
  var snapshotBlocks: [LogIndex: UInt64]
  var isSnapshotUnderWay = false
  /// The newest block that was written since the start.
  var newest: EntryApplier.EntryData?

  // Other nodes
  var neighbours: Neighbours
  var activeNodes: ActiveNodes
  var suspicion: EvictionSuspicion
  /// Others are being asked for the newest config block.
  var isAsking = false
  /// Whether this node campaigns until there is a first leader.
  var campaignsFirst: Bool
  /// Ticks without a leader.
  var leaderlessTicks = 0
  /// Ticks in which another leader has not told who is alive; nil once it has, or there is none to wait for.
  var untoldTicks: Int?
  /// Ticks until this node, which was removed, ceases to take part; nil while it is a member.
  var farewell: Int?
  /// It does not take part any more.
  package internal(set) var hasCeased = false

  // Clients
  package internal(set) var kept = Resubmission()
  var handover = Handover()
  /// Tells this start's messages from those of an earlier one, at the nodes that they are handed on to. Nothing else
  /// depends on it.
  let life: UInt64

  // Leading
  var rules: BatchRules
  package internal(set) var office = RaftOffice.none
  var transfer: LeaderTransfer?
  /// Handed on by other nodes, and not in a batch.
  var backlog: ArraySlice<OrderedMessage> = []
  /// What they have handed on since this node leads.
  var taken = TakenSubmissions()
  var cutter = BlockCutter()
  var batchTimer = BatchTimer()
  /// The batch timer expired while no block could be made.
  var isCutDue = false
  var fill: BatchFillMeter

  /// As far as the rest of the node was told; nil before anything was.
  var reign: Reign?
  /// Whether leadership was handed on, or could not be, since the node is about to stop.
  var hasGivenWay = false
  /// Ticks since the chain was halted.
  var haltTicks = 0

  /// A step that the ledger carries out.
  struct Applying: Sendable {
    let step: EntryApplier.Step
    let through: LogIndex
  }

  /// Who leads, and since when.
  struct Reign: Equatable, Sendable {
    /// 0 for nobody.
    let leader: NodeID
    /// 0 if nobody leads.
    let term: Term
  }

  /// What a chain goes on from.
  package struct Beginning: Sendable {
    let core: RaftCore
    let applier: EntryApplier
    /// The newest snapshot's index, and the number of its block; 0 without one.
    let snapshot: (index: LogIndex, block: UInt64)
    /// Whether a channel begins, and this node is to campaign first.
    let campaignsFirst: Bool
  }

  /// - Parameters:
  ///   - hardState: What is on the disk.
  ///   - life: A random number other than 0, which another start does not have.
  package init(
    in chain: any RaftSurroundings, hardState: HardState, life: UInt64,
    _ beginning: consuming Beginning
  ) throws(ChannelFault) {
    self.life = life
    rules = try chain.configuration.rules
    self.chain = chain
    core = beginning.core
    applier = beginning.applier
    snapshotBlock = beginning.snapshot.block
    snapshotBlocks = [beginning.snapshot.index: beginning.snapshot.block]
    campaignsFirst = beginning.campaignsFirst
    catchingUp = CatchingUp(
      target: snapshotBlock >= beginning.applier.end.height ? snapshotBlock : nil)
    logger = chain.logger
    writer = LogWriter(hardState: hardState)
    snapshots = SnapshotPolicy(interval: chain.options.snapshotIntervalSize)
    let electionTicks = chain.options.electionTicks
    neighbours = Neighbours(of: core.id, graceTicks: electionTicks)
    activeNodes = ActiveNodes(refreshTicks: electionTicks)
    suspicion = EvictionSuspicion(
      threshold: chain.evictionSuspicion, tickInterval: chain.tickInterval)
    fill = BatchFillMeter(chain.channelMetrics, time: chain.time)
  }

  /// The first turn.
  package mutating func begin() throws {
    reconnect(to: applier.consenters)
    noteLeadership()
    try turn(RaftArrivals())
  }

  /// Whether this node decides alone. After a recovery there may be members without a vote.
  var isOnlyVoter: Bool {
    let state = core.members.state
    return state.voters == [core.id] && state.votersOutgoing.isEmpty
  }

  /// Whether there is nobody else to talk to, so that no clock is needed.
  var isAlone: Bool { core.members.state == MembershipState(voters: [core.id]) }

  /// Whether this node needs nobody to become leader, or will not in a moment.
  var isElecting: Bool { isOnlyVoter || applier.consenters.ids == [core.id] }

  /// Connects to these consenters, and to those that were removed a moment ago.
  mutating func reconnect(to consenters: ConsenterSet) {
    if neighbours.change(to: consenters) { chain.connect(to: neighbours) }
  }

  func log(_ events: [RaftCore.Event]) {
    for event in events { chain.log(event, of: core.id) }
  }
}
