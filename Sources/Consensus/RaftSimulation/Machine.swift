// A machine, its disk, and the life of a node on it between a start and a crash.

import RaftCore

/// What outlives crashes. A node that is removed never comes back under its number: that is another machine.
final class Machine {
  let id: NodeID
  let place: Int
  /// Whether it founds the group, or is added later.
  let isFounder: Bool
  var disk = ModelDisk()
  /// Nil while it is down.
  var life: Life?
  var lives = 0
  /// Between two ticks of its clock.
  var tick: Int
  /// It has applied its own removal.
  var isRemoved = false
  /// Its disk is slow until then.
  var slowUntil = 0
  var failsNextSync = false

  init(id: NodeID, isFounder: Bool, tick: Int) {
    self.id = id
    place = Int(id) - 1
    self.isFounder = isFounder
    self.tick = tick
  }
}

/// What a crash ends: the core and all that its shell has in memory.
final class Life {
  /// Something on its way to the disk, in the order of writing.
  struct Item {
    enum Content {
      case persist(RaftCore.Persist)
      /// A snapshot that the node took itself.
      case taken(Snapshot)
    }

    let content: Content
    let mustSync: Bool
    /// Whether the core was told; what needs no sync is told of before.
    var isTold = false
  }

  let number: Int
  var core: RaftCore
  var items: [Item] = []
  /// How many items the write covers that is under way; nil: none is.
  var underWay: Int?
  /// Handed out to be applied.
  var applying: [Entry] = []
  var isApplying = false
  var applied: LogIndex
  var members: MembershipState
  /// The index whose membership this is, which may be ahead of `applied` after a snapshot.
  var membersIndex: LogIndex
  /// The same of each snapshot that the core had.
  var snapshotMembersIndexes: [LogIndex: LogIndex] = [:]
  var wasMember = false
  /// The change that this node has proposed last as a leader, with its term.
  var change = LogPosition()
  var reads: [RaftCore.LogRead] = []
  /// Effects until a crash; nil: none comes by itself.
  var fuse: Int?
  var isCarryOnDue = false

  /// The last look at the core.
  var glance: Glance
  /// Up to here the judge has seen what is committed.
  var judged: LogIndex = 0
  /// The last term in which the judge has seen it lead.
  var leaderTerm: Term = 0

  init(
    number: Int, core: consuming RaftCore, applied: LogIndex, members: MembershipState,
    membersIndex: LogIndex, fuse: Int?
  ) {
    self.number = number
    glance = Glance(&core)
    self.core = core
    self.applied = applied
    self.members = members
    self.membersIndex = membersIndex
    snapshotMembersIndexes[applied] = membersIndex
    self.fuse = fuse
  }

  var isLeader: Bool { glance.isLeader }

  var isSnapshotUnderWay: Bool {
    items.contains { if case .taken = $0.content { true } else { false } }
  }
}

/// What is looked at after each input. Taken in one go where the core lies: a copy of the core would cost more than most
/// inputs.
struct Glance {
  let term: Term
  let committed: LogIndex
  let isLeader: Bool
  let fault: RaftCore.Fault?
  let hasReady: Bool

  init(_ core: inout RaftCore) {
    term = core.term
    committed = core.committed
    isLeader = core.softState.role == .leader
    fault = core.fault
    hasReady = core.hasReady
  }
}

/// What the simulated shells put into a snapshot: the index whose membership it has.
enum SnapshotData {
  static func encode(membersIndex: LogIndex) -> ArraySlice<UInt8> {
    withUnsafeBytes(of: membersIndex.littleEndian) { Array($0) }[...]
  }

  static func decode(_ data: ArraySlice<UInt8>) -> LogIndex? {
    guard data.count == 8 else { return nil }
    return data.reversed().reduce(0) { $0 << 8 | LogIndex($1) }
  }
}
