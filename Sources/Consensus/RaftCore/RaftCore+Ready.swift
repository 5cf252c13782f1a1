// What a node wants to be done: it collects that while inputs come in, and the shell takes it.

extension RaftCore {
  /// Who leads, and what this node is.
  package struct SoftState: Equatable, Sendable {
    /// 0 if this node knows none.
    package var leader: NodeID
    package var role: RoleName

    package init(leader: NodeID, role: RoleName) {
      self.leader = leader
      self.role = role
    }
  }

  /// What a node is, without what belongs to it.
  package enum RoleName: Equatable, Sendable {
    case follower
    case preCandidate
    case candidate
    case leader
  }

  /// An answer to ``RaftCore/readIndex(_:)``: once `index` is applied, a read sees all that was written before
  /// it was asked for.
  package struct ReadState: Equatable, Sendable {
    package var index: LogIndex
    package var context: ArraySlice<UInt8>
  }

  /// Entries that are not in memory any more and are wanted from the disk, where they are persisted.
  /// The shell answers with ``RaftCore/loaded(_:_:)``, once for each.
  package struct LogRead: Equatable, Sendable {
    package enum Purpose: Equatable, Sendable {
      case applying
      case replicating(to: NodeID)
    }

    package let number: UInt64
    package let purpose: Purpose
    /// The entries; as many from its start as fit into `maxSize`, and one at least.
    package let range: Range<LogIndex>
    /// Bytes, counted by ``Entry/encodedSize``.
    package let maxSize: Int
  }

  /// What has to be on the disk. One is written after the other; several may share a write and a sync.
  package struct Persist: Equatable, Sendable {
    /// In place of all entries from the first one's index on.
    package var entries: [Entry]
    /// Nil: unchanged.
    package var hardState: HardState?
    /// In place of the whole log, and before the entries. Report it as persisted once it is on the disk and the state
    /// that it stands for is in force; no entry behind it is handed out before.
    package var snapshot: Snapshot?
    /// Whether it has to be synced. What has no need for it, a commit index alone, may be written any time later.
    package var mustSync: Bool
    /// What may leave only now, once it and all before it is synced: to other nodes, and to this one. Hand it to
    /// ``RaftCore/persisted(_:)``, and send ``replies(of:)``.
    package var responses: [Message]

    /// What goes to other nodes once this is synced.
    package func replies(of node: NodeID) -> [Message] { responses.filter { $0.to != node } }
  }

  /// All that has to be done at a time. What is in its fields may be done in any order and at the same time.
  package struct Ready: Sendable {
    /// Nil: unchanged.
    package var softState: SoftState?
    package var readStates: [ReadState] = []
    /// May leave at once. A message of kind `snapshot` is reported with ``RaftCore/reportSnapshot(to:arrived:)``.
    package var messages: [Message] = []
    /// To be written and synced, then ``RaftCore/persisted(_:)``.
    package var persist: Persist?
    /// Committed, in order; ``RaftCore/applied(through:)`` tells how far the state machine has come. An entry that
    /// changes the membership is also given to ``RaftCore/apply(_:)``, before that.
    package var committed: [Entry] = []
    package var reads: [LogRead] = []

    package var isEmpty: Bool {
      softState == nil && readStates.isEmpty && messages.isEmpty && persist == nil
        && committed.isEmpty && reads.isEmpty
    }
  }
}
